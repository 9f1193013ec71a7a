/** The device ladder: every execution provider runs small graphs against the CPU's numbers; the fastest right one wins. */
import { listSupportedBackends } from 'onnxruntime-node';
import type { Target } from '../../../native-models/layers/scope.ts';
import { badInput, firstLineOf } from '../border/failures.ts';
import type { DeviceName, DeviceReport } from '../border/protocol.ts';
import { createSession, DEFAULT_SESSION } from '../runtime/sessions.ts';
import { loadedLibraries, softwareAdapter } from './drivers.ts';
import { type GraphicsCard, graphicsCard } from './graphics.ts';
import { fusedAttentionError, isRight, smallestGraph, unetError } from './probe.ts';
import { convolutionSpeed } from './speed.ts';

/** Providers worth trying on this platform, the most capable first; the CPU always works and comes last. */
const LADDER: readonly DeviceName[] = ['cuda', 'dml', 'coreml', 'webgpu', 'cpu'];

/** How graphs are written for the CPU. */
export const CPU_TARGET: Target = { flavour: 'cpu' };

/** A device that may be used, and how graphs are written for it. */
export interface ReadyDevice {
  readonly name: DeviceName;
  readonly target: Target;
  /** Bytes of its own memory, where the system tells. */
  readonly memoryBytes?: number | undefined;
}

interface Probed {
  readonly report: DeviceReport;
  readonly ready?: ReadyDevice;
}

/** What was found out about every device, and which one is used. */
export interface DeviceChoice {
  readonly devices: DeviceReport[];
  readonly chosen: ReadyDevice;
}

/** How devices are probed. */
export interface ProbeOptions {
  /** Devices that ended an engine before. */
  readonly avoid?: readonly DeviceName[] | undefined;
  /** Told of every device before it is touched. */
  readonly onDevice?: (device: DeviceName) => void;
}

/**
 * Probes every provider that this build of ONNX Runtime has. Takes some seconds where there is a GPU; nothing is left
 * loaded.
 */
export async function probeDevices({ avoid = [], onDevice }: ProbeOptions = {}): Promise<DeviceChoice> {
  const probed: Probed[] = [];
  for (const name of LADDER) {
    onDevice?.(name);
    probed.push(await probeUnless(name, avoid.includes(name)));
  }
  const ready = probed.flatMap(({ report, ready }) => (ready ? [{ ready, gflops: report.gflops ?? 0 }] : []));
  const fastest = ready.toSorted((a, b) => b.gflops - a.gflops)[0];
  const devices = probed.map(({ report }) => report);
  return { devices, chosen: fastest?.ready ?? { name: 'cpu', target: CPU_TARGET } };
}

/** One device that somebody asks for by name, software adapters included. Throws an EngineError when it cannot be used. */
export async function probeDevice(name: DeviceName): Promise<ReadyDevice> {
  if (name === 'cpu') return { name, target: CPU_TARGET };
  if (!bundledProviders().has(name))
    throw badInput(`device: ${name} is not part of the installed ONNX Runtime.`, 'Choose "auto" or "cpu".');
  try {
    return (await measure(name)).ready;
  } catch (error) {
    throw badInput(`device: ${name} cannot be used: ${reasonOf(error)}.`, 'Choose "auto" or "cpu".');
  }
}

/** Providers that are not part of the package (CUDA without its opt-in download) print a page of errors when tried. */
function bundledProviders(): ReadonlySet<string> {
  return new Set(listSupportedBackends().flatMap(({ name, bundled }) => (bundled ? [name] : [])));
}

async function probeUnless(name: DeviceName, avoided: boolean): Promise<Probed> {
  if (avoided) return unusable(name, 'it ended the engine before; start Emulsion again to try it once more');
  if (!bundledProviders().has(name))
    return unusable(name, 'not part of the installed ONNX Runtime for this platform');
  if (name === 'cpu') return probeCpu();
  try {
    const software = await softwareOf(name);
    if (software) return unusable(name, `${software} is a software adapter: the CPU itself is faster`);
    return await probeGpu(name);
  } catch (error) {
    return unusable(name, `it does not start: ${reasonOf(error)}`);
  }
}

function unusable(name: DeviceName, reason: string): Probed {
  return { report: { name, usable: false, reason } };
}

async function probeCpu(): Promise<Probed> {
  const gflops = await convolutionSpeed('cpu', CPU_TARGET);
  const report = { name: 'cpu', usable: true, reason: `${gflops.toFixed(0)} GFLOP/s`, gflops } as const;
  return { report, ready: { name: 'cpu', target: CPU_TARGET } };
}

/** A driver is loaded with the first device: the smallest session tells which. */
async function softwareOf(name: DeviceName): Promise<string | undefined> {
  const session = await createSession(smallestGraph(), { ...DEFAULT_SESSION, device: name });
  await session.release();
  return softwareAdapter(loadedLibraries());
}

async function probeGpu(name: DeviceName): Promise<Probed> {
  const card = await graphicsCard();
  const { ready, relativeError } = await measure(name);
  const gflops = await convolutionSpeed(name, ready.target);
  const reason = described(ready.target, gflops, relativeError, card);
  return {
    report: { name, usable: true, reason, relativeError, gflops },
    ready: { ...ready, memoryBytes: card?.memoryBytes },
  };
}

/** Right numbers in float32 are a must; half precision and fused attention are used where they are right too. */
async function measure(name: DeviceName): Promise<{ ready: ReadyDevice; relativeError: number }> {
  const plain: Target = { flavour: 'webgpu' };
  const wideError = await unetError(name, plain);
  if (!isRight(wideError, plain))
    throw new Error(`its numbers are wrong (relative error ${wideError.toExponential(1)})`);
  const half: Target = { ...plain, precision: 'float16' };
  const halfError = await attempt(unetError(name, half));
  const target = isRight(halfError, half) ? half : plain;
  const fusedAttention = isRight(await attempt(fusedAttentionError(name, target)), target);
  return {
    ready: { name, target: { ...target, fusedAttention } },
    relativeError: target === half ? halfError : wideError,
  };
}

/** NaN, which is never right, where the device cannot run it at all (WebGPU without shader-f16). */
function attempt(error: Promise<number>): Promise<number> {
  return error.catch(() => Number.NaN);
}

function described(
  { precision, fusedAttention }: Target,
  gflops: number,
  relativeError: number,
  card: GraphicsCard | undefined,
): string {
  const memory = card?.memoryBytes === undefined ? '' : `, ${(card.memoryBytes / 2 ** 30).toFixed(1)} GiB`;
  const parts = [
    `${gflops.toFixed(0)} GFLOP/s in ${precision ?? 'float32'}`,
    `relative error ${relativeError.toExponential(1)}`,
    ...(fusedAttention ? [] : ['its attention kernel is wrong and not used']),
    ...(card ? [`${card.name}${memory}`] : []),
  ];
  return parts.join('; ');
}

/** Dawn finds no adapter where no graphics driver is installed; its own words are a line of C++. */
function reasonOf(error: unknown): string {
  const line = firstLineOf(error);
  return /adapter_result/.test(line) ? 'no graphics adapter with a driver was found' : line;
}
