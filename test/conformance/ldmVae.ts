/** Conformance of the VAE: moments, mean, clamped log-variance and a sample of the encoder; pictures of the decoder. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { compileVaeDecoder, compileVaeEncoder } from '../../native-models/compile.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import type { WeightsFile } from '../../native-models/weights/tensors.ts';
import { openTensors, readCase, readNumbers, shapeOf } from './caseFolder.ts';
import { type Check, checkClose, type Tolerance } from './check.ts';
import { type LdmVae, vaeConfigOf } from './ldmConfigs.ts';

interface VaeCase {
  readonly config: LdmVae;
  readonly weights: { readonly file: string };
  readonly tolerance: Tolerance;
}

export async function* ldmVae(caseDir: string): AsyncIterable<Check> {
  const { config: ldm, weights, tolerance } = readCase<VaeCase>(caseDir);
  const config = vaeConfigOf(ldm);
  const file = openTensors(caseDir, weights.file);
  const source = fileParameters(file.path, canonicalTensors(file, 'vae'));
  const encoder = await createSession(compileVaeEncoder(source, config, { flavour: 'cpu' }));
  const decoder = await createSession(compileVaeDecoder(source, config, { flavour: 'cpu' }));
  const io = openTensors(caseDir, 'io.safetensors');
  for (const name of io.tensors.keys()) {
    const [, run] = /^(.*)\.(?:image|z)$/.exec(name) ?? [];
    if (name.startsWith('enc.') && name.endsWith('.image')) {
      const { moments } = await encoder.run({ image: feedOf(io, name) });
      yield* checkPosterior(io, run!, moments!, tolerance);
    }
    if (name.endsWith('.z')) {
      const { image } = await decoder.run({ latent: feedOf(io, name) });
      yield checkClose(
        `${run}.image`,
        image!.data as Float32Array,
        readNumbers(io, `${run}.image`),
        tolerance,
      );
    }
  }
  await encoder.release();
  await decoder.release();
}

/** mean | log-variance, clamped to −30…20 (LDM DiagonalGaussianDistribution); sample = mean + exp(logvar/2)·noise. */
function* checkPosterior(
  io: WeightsFile,
  run: string,
  moments: OrtTensor,
  tolerance: Tolerance,
): Iterable<Check> {
  const data = moments.data as Float32Array;
  const [batch, channels, height, width] = moments.dims as [number, number, number, number];
  const half = (channels / 2) * height * width;
  const part = (offset: number): number[] =>
    Array.from({ length: batch }, (_, item) => [
      ...data.subarray(item * 2 * half + offset, item * 2 * half + offset + half),
    ]).flat();
  const mean = part(0);
  const logvar = part(half).map((value) => Math.min(20, Math.max(-30, value)));
  const noise = io.tensors.has(`${run}.noise`)
    ? readNumbers(io, `${run}.noise`)
    : new Float32Array(mean.length);
  const sample = mean.map((value, i) => value + Math.exp(logvar[i]! / 2) * noise[i]!);
  const parts = { moments: data, mean, logvar, sample };
  for (const [name, actual] of Object.entries(parts)) {
    const tensor = `${run}.${name}`;
    if (io.tensors.has(tensor)) yield checkClose(tensor, actual, readNumbers(io, tensor), tolerance);
  }
}

function feedOf(file: WeightsFile, name: string): OrtTensor {
  return new OrtTensor('float32', Float32Array.from(readNumbers(file, name)), shapeOf(file, name));
}
