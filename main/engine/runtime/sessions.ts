/** ONNX Runtime sessions from graphs: how they are set up is measured, and stands here alone. */
import { realpathSync } from 'node:fs';
import { parse, relative } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import type { Graph } from '../../../native-models/graph/build.ts';
import { toOnnx } from '../../../native-models/graph/onnxProto.ts';
import type { Target } from '../../../native-models/layers/scope.ts';
import './noTelemetry.ts';
import type { DeviceName } from '../border/protocol.ts';

/** How a session is made. */
export interface SessionOptions {
  readonly device: DeviceName;
  /** How graphs are to be written for that device. */
  readonly target: Target;
  /** Bytes of the device's own memory, as far as they are known. */
  readonly deviceMemory?: number | undefined;
  /** Bytes it is known not to give, because it ran out of memory before. */
  readonly deviceLimit?: number | undefined;
  /** Text encoders run on the CPU, whatever the device: where its memory is short. */
  readonly textOnCpu?: boolean;
  /** 0 = one thread per core. */
  readonly threads: number;
  /** Keep fp16 weights as they lie and cast them while running: half the memory, slower steps. */
  readonly castWhileRunning: boolean;
  /** Outputs that are left on the device, to be given to other sessions there; see resident.ts. */
  readonly outputsOnDevice?: 'all' | readonly string[];
  /** Lay weights out again for the kernels: pays for int8 only. */
  readonly prepack: boolean;
}

/** The CPU at its plainest. */
export const DEFAULT_SESSION: SessionOptions = {
  device: 'cpu',
  target: { flavour: 'cpu' },
  threads: 0,
  castWhileRunning: false,
  prepack: false,
};

/** Of ONNX Runtime's own log: errors only. */
const QUIET = 3;

/**
 * Loads a graph whose weights stay in their files. Blocks this thread while weights are read (seconds for a
 * full-size U-Net). Throws ONNX Runtime's own error; see border/failures.ts for what people are told.
 */
export async function createSession(
  graph: Graph,
  options: SessionOptions = DEFAULT_SESSION,
): Promise<InferenceSession> {
  const { root } = parse(process.cwd());
  const bytes = toOnnx(graph, (path) => externalLocation(root, path));
  return InferenceSession.create(bytes, ortOptions(root, options));
}

/** A network from a file of somebody else's making, on the CPU. Throws ONNX Runtime's own error. */
export function openOnnxFile(path: string): Promise<InferenceSession> {
  return InferenceSession.create(path, { logSeverityLevel: QUIET });
}

/** ONNX Runtime accepts only locations below one folder, without links: so the root, and the real path under it. */
function externalLocation(root: string, path: string): string {
  return relative(root, realpathSync(path)).replaceAll('\\', '/');
}

function ortOptions(root: string, options: SessionOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: options.device === 'cpu' ? ['cpu'] : [options.device, 'cpu'],
    // 'all' re-lays convolutions for 28 s and gains nothing (measured).
    graphOptimizationLevel: 'extended',
    intraOpNumThreads: options.threads,
    enableCpuMemArena: !options.castWhileRunning,
    enableMemPattern: !options.castWhileRunning,
    logSeverityLevel: QUIET,
    ...(options.outputsOnDevice && { preferredOutputLocation: locationsOf(options.outputsOnDevice) }),
    extra: {
      session: {
        model_external_initializers_file_folder_path: root,
        disable_prepacking: options.prepack ? '0' : '1',
        intra_op: { allow_spinning: '0' },
        set_denormal_as_zero: '1',
      },
      ...(options.castWhileRunning && { optimization: { disable_specified_optimizers: 'ConstantFolding' } }),
    },
  };
}

function locationsOf(
  outputs: NonNullable<SessionOptions['outputsOnDevice']>,
): NonNullable<InferenceSession.SessionOptions['preferredOutputLocation']> {
  return outputs === 'all' ? 'gpu-buffer' : Object.fromEntries(outputs.map((name) => [name, 'gpu-buffer']));
}
