/** Conformance of the U-Net (SD 1, inpaint, SD 2, SDXL): outputs of every run, and of single blocks where the case has them. */
import { join } from 'node:path';
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { buildGraph, type Graph } from '../../native-models/graph/build.ts';
import { input, type Value } from '../../native-models/graph/value.ts';
import { rootScope } from '../../native-models/layers/scope.ts';
import type { UnetConfig } from '../../native-models/models/configs.ts';
import { unet } from '../../native-models/models/unet.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import type { TensorInfo, WeightsFile } from '../../native-models/weights/tensors.ts';
import { openTensors, readCase, readNumbers, shapeOf } from './caseFolder.ts';
import { type Check, checkClose, type Tolerance } from './check.ts';
import { type LdmUnet, unetConfigOf } from './ldmConfigs.ts';

interface UnetCase {
  readonly config: LdmUnet;
  readonly weights: { readonly file: string; readonly override?: string };
  readonly tolerance: Tolerance;
}

export async function* ldmUnet(caseDir: string): AsyncIterable<Check> {
  const { config, weights, tolerance } = readCase<UnetCase>(caseDir);
  const session = await createSession(tappedUnet(unetWeights(caseDir, weights), unetConfigOf(config)));
  const io = openTensors(caseDir, 'io.safetensors');
  const runs = [...io.tensors.keys()].filter((name) => name.endsWith('.x')).map((name) => name.slice(0, -2));
  for (const run of runs) {
    const feeds = Object.fromEntries(
      Object.entries({ latent: 'x', timestep: 't', context: 'context', y: 'y' })
        .filter(([, name]) => io.tensors.has(`${run}.${name}`))
        .map(([feed, name]) => [feed, feedOf(io, `${run}.${name}`)]),
    );
    const outputs = await session.run(feeds);
    const expected = [...io.tensors.keys()].filter(
      (name) => name.startsWith(`${run}.inter.`) || name === `${run}.out`,
    );
    for (const name of expected) {
      const actual = outputs[name.replace(`${run}.inter.`, '').replace(`${run}.out`, 'out')]?.data as
        | Float32Array
        | undefined;
      const numbers = readNumbers(io, name);
      // Block outputs are recorded for the first item of the batch only.
      yield checkClose(name, actual?.subarray(0, numbers.length) ?? [], numbers, tolerance);
    }
  }
  await session.release();
}

/** Canonical U-Net tensors, with those of the override file put in their place. */
export function unetWeights(caseDir: string, weights: UnetCase['weights']): ReadonlyMap<string, TensorInfo> {
  const base = canonicalTensors(openTensors(caseDir, weights.file), 'unet');
  if (!weights.override) return base;
  const override = openTensors(caseDir, weights.override);
  const prefix = 'model.diffusion_model.';
  return new Map([
    ...base,
    ...[...override.tensors].map(([name, info]) => [name.replace(prefix, ''), info] as const),
  ]);
}

function tappedUnet(weights: ReadonlyMap<string, TensorInfo>, config: UnetConfig): Graph {
  const taps: Record<string, Value> = {};
  const float = (name: string, ...shape: (number | string)[]): Value => input(name, 'float32', shape);
  const out = unet(rootScope(fileParameters(join('case', 'weights'), weights), { flavour: 'cpu' }), config, {
    latent: float('latent', 'batch', config.inChannels, 'height', 'width'),
    timestep: float('timestep', 'batch'),
    context: float('context', 'batch', 'tokens', config.contextDim),
    ...(config.admChannels > 0 && { y: float('y', 'batch', config.admChannels) }),
    tap: (path, value) => {
      taps[path] = value;
    },
  });
  return buildGraph({ out, ...taps });
}

function feedOf(file: WeightsFile, name: string): OrtTensor {
  return new OrtTensor('float32', Float32Array.from(readNumbers(file, name)), shapeOf(file, name));
}
