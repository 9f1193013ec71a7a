/** The device ladder: every execution provider runs a small graph against the CPU's numbers; the fastest right one wins. */
import { listSupportedBackends, Tensor } from 'onnxruntime-node';
import { buildGraph, type Graph } from '../../native-models/graph/build.ts';
import * as ops from '../../native-models/graph/ops.ts';
import { constant, input, type Value } from '../../native-models/graph/value.ts';
import { attend, toImage, toTokens } from '../../native-models/layers/attention.ts';
import { groupNorm, linear, silu } from '../../native-models/layers/basic.ts';
import { type Flavour, rootScope, type Scope, type Target } from '../../native-models/layers/scope.ts';
import { relativeL2, wave } from './probing.ts';
import type { DeviceName, DeviceReport } from './protocol.ts';
import { createSession, DEFAULT_SESSION } from './sessions.ts';

/** Providers worth trying on this platform, the most capable first; the CPU always works and comes last. */
const LADDER: readonly DeviceName[] = ['cuda', 'dml', 'coreml', 'webgpu', 'cpu'];

/** Half precision inside a provider errs by about 1e-3; a wrong kernel errs by 1 or more. */
const LARGEST_RELATIVE_ERROR = 1e-2;

const CHANNELS = 64;
const SIZE = 32;
const RUNS = 5;

/** Which layer functions suit a device. */
export function flavourOf(device: DeviceName): Flavour {
  return device === 'cpu' ? 'cpu' : 'webgpu';
}

/** Probes every provider that this build of ONNX Runtime has. Takes about a second; nothing is left loaded. */
export async function probeDevices(): Promise<{ devices: DeviceReport[]; chosen: DeviceName }> {
  // Providers that are not part of the package (CUDA without its opt-in download) print a page of errors when tried.
  const bundled = new Set(listSupportedBackends().flatMap(({ name, bundled }) => (bundled ? [name] : [])));
  const expected = await runProbe('cpu');
  const devices: DeviceReport[] = [];
  for (const name of LADDER) {
    devices.push(bundled.has(name) ? await probe(name, expected) : missing(name));
  }
  const usable = devices.filter((device) => device.usable);
  const fastest = usable.toSorted((a, b) => b.gflops! - a.gflops!)[0];
  return { devices, chosen: fastest?.name ?? 'cpu' };
}

function missing(name: DeviceName): DeviceReport {
  return { name, usable: false, reason: 'not part of the installed ONNX Runtime for this platform' };
}

async function probe(name: DeviceName, expected: ProbeRun): Promise<DeviceReport> {
  try {
    const run = name === 'cpu' ? expected : await runProbe(name);
    const relativeError = relativeL2(run.output, expected.output);
    const measured = `${run.gflops.toFixed(0)} GFLOP/s, relative error ${relativeError.toExponential(1)}`;
    const usable = relativeError <= LARGEST_RELATIVE_ERROR;
    const reason = usable ? measured : `its numbers are wrong: ${measured}`;
    return { name, usable, reason, relativeError, gflops: run.gflops };
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split('\n', 1);
    return { name, usable: false, reason: `it does not start: ${line!.slice(0, 200)}` };
  }
}

interface ProbeRun {
  readonly output: Float32Array;
  readonly gflops: number;
}

async function runProbe(device: DeviceName): Promise<ProbeRun> {
  const target: Target = { flavour: flavourOf(device) };
  const session = await createSession(probeGraph(flavourOf(device)), { ...DEFAULT_SESSION, device, target });
  try {
    const x = new Tensor('float32', wave(CHANNELS * SIZE * SIZE, 0.37), [1, CHANNELS, SIZE, SIZE]);
    const first = await session.run({ x });
    const output = Float32Array.from(first['y']!.data as Float32Array);
    const start = performance.now();
    for (let i = 0; i < RUNS; i++) await session.run({ x });
    const seconds = (performance.now() - start) / 1000 / RUNS;
    return { output, gflops: probeFlops() / seconds / 1e9 };
  } finally {
    await session.release();
  }
}

/** What a U-Net is made of: convolution, group norm, SiLU, attention, a linear and a resize. */
function probeGraph(flavour: Flavour): Graph {
  const scope = waveScope(flavour);
  const x = input('x', 'float32', ['batch', CHANNELS, 'height', 'width']);
  const kernel = constant(wave(CHANNELS * CHANNELS * 9, 0.11, 0.04), [CHANNELS, CHANNELS, 3, 3]);
  const convolved = silu(
    flavour,
    groupNorm(scope, ops.conv(x, kernel, undefined, { padding: 1 }), CHANNELS, 32, 1e-5),
  );
  const tokens = toTokens(convolved);
  const mixed = linear(scope.at('mix'), attend(scope, tokens, tokens, tokens, 4), CHANNELS, CHANNELS);
  return buildGraph({ y: ops.upsampleNearest(toImage(mixed, x), 2) });
}

function waveScope(flavour: Flavour): Scope {
  const has = (name: string): boolean => !name.startsWith('mix.bias');
  const get = (_name: string, shape: readonly number[]): Value =>
    constant(
      wave(
        shape.reduce((a, b) => a * b, 1),
        0.23,
        0.2,
      ),
      shape,
    );
  return rootScope({ has, get }, { flavour });
}

function probeFlops(): number {
  const pixels = SIZE * SIZE;
  return (
    2 * (CHANNELS * CHANNELS * 9 * pixels + 2 * pixels * pixels * CHANNELS + CHANNELS * CHANNELS * pixels)
  );
}
