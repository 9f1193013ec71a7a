/** Conformance of whole generations: contexts, noise, sigmas, latents before every step, the final latent and picture. */
import { join } from 'node:path';
import type { Networks } from '../../main/engine/networks/networks.ts';
import { decodePixels } from '../../main/images/codec.ts';
import { latentMask, maskOf } from '../../main/images/masks.ts';
import { toTensor } from '../../main/images/pixels.ts';
import { type GenerationInputs, generateLatent, sigmasOf } from '../../main/pipeline/generate.ts';
import { inpaintChannels } from '../../main/pipeline/inpaint.ts';
import { latentNoise } from '../../main/pipeline/noise/latentNoise.ts';
import { type Tensor, tensor } from '../../main/pipeline/tensor.ts';
import { encodePrompt } from '../../main/pipeline/text/encode.ts';
import { type GenerationRequest, generationRequestSchema } from '../../preload/request.ts';
import { openTensors, readCase, readTensor } from './caseFolder.ts';
import { type Check, checkClose, checkRelmax, type Tolerance } from './check.ts';
import { openSharedCheckpoint } from './sharedCheckpoint.ts';

/** What rng-torch-cpu allows: torch's own builds differ by as much. */
const NOISE_TOLERANCE = { atol: 2e-6, rtol: 2e-6 };

/** What ldm-vae allows for encoded pictures; the case states none of its own for them. */
const ENCODED_TOLERANCE = { atol: 2e-4, rtol: 1e-3 };

interface Run {
  readonly id: string;
  readonly seed: number;
  readonly steps: number;
  readonly cfg: number;
  readonly sampler: string;
  readonly scheduler: string;
  readonly denoise: number;
  readonly mask?: string;
  readonly positive: string;
  readonly negative: string;
  readonly clip_skip?: number;
}

interface EndToEndCase {
  readonly checkpoint: string;
  readonly inpaint_override?: { readonly file: string };
  readonly size: { readonly width: number; readonly height: number };
  readonly prompts: Readonly<Record<string, string>>;
  readonly runs: readonly Run[];
  readonly tolerance: {
    readonly latent: { readonly relmax: number };
    readonly image: Tolerance;
    readonly cond: Tolerance;
  };
}

export async function* endToEnd(caseDir: string): AsyncIterable<Check> {
  const spec = readCase<EndToEndCase>(caseDir);
  const io = openTensors(caseDir, 'io.safetensors');
  const normal = openSharedCheckpoint(caseDir, { file: spec.checkpoint });
  const override = spec.inpaint_override?.file;
  const inpaint = override ? openSharedCheckpoint(caseDir, { file: spec.checkpoint, override }) : normal;
  const pixels = toTensor([await decodePixels(join(caseDir, 'image.png'))], 'signed');
  const check = (name: string, actual: ArrayLike<number>, tolerance: Tolerance): Check[] =>
    io.tensors.has(name) ? [checkClose(name, actual, readTensor(io, name).data, tolerance)] : [];
  const near = (name: string, actual: ArrayLike<number>): Check[] =>
    io.tensors.has(name)
      ? [checkRelmax(name, actual, readTensor(io, name).data, spec.tolerance.latent.relmax)]
      : [];

  yield* await contexts(normal, spec, check);
  const unscaled = (latent: Tensor): Float32Array =>
    latent.data.map((value) => value / normal.config.vae.scalingFactor);
  yield* check('image.latent', unscaled(await normal.encodeImage(pixels)), ENCODED_TOLERANCE);

  for (const run of spec.runs) {
    const model = run.id.startsWith('inpaint9') ? inpaint : normal;
    const request = requestOf(run, spec, io.tensors.get(`${run.id}.noise`)!.shape[0]!);
    const mask = run.mask ? readMask(readTensorMask(caseDir, run.mask), request) : undefined;
    const inputs = await inputsOf(model, run, pixels, mask);
    if (mask) yield* check(`${run.mask}.latent`, mask.latent.data, { atol: 1e-6 });
    if (inputs.extraChannels)
      yield* check(`${run.id}.c_concat`, inputs.extraChannels.data, ENCODED_TOLERANCE);
    yield* check(`${run.id}.noise`, initialNoise(request, model), NOISE_TOLERANCE);
    yield* check(`${run.id}.sigmas`, sigmasOf(request), { rtol: 1e-6 });
    const walked: number[] = [];
    let first: Tensor | undefined;
    const { latent } = await generateLatent(model, request, inputs, {
      onStep: ({ x, denoised }) => {
        first ??= { ...denoised, data: denoised.data.slice() };
        walked.push(...x.data);
      },
    });
    yield* near(`${run.id}.x`, walked);
    yield* near(`${run.id}.x0_first`, first!.data);
    yield* near(`${run.id}.latent`, unscaled(latent));
    if (io.tensors.has(`${run.id}.image`)) {
      yield* check(`${run.id}.image`, channelsLast(await model.decodeLatent(latent)), spec.tolerance.image);
    }
  }
  await normal.release();
  if (inpaint !== normal) await inpaint.release();
}

/** cond.<prompt> and cond.<prompt>_skip2: what the U-Net reads. */
async function contexts(
  model: Networks,
  spec: EndToEndCase,
  check: (name: string, actual: ArrayLike<number>, tolerance: Tolerance) => Check[],
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [name, prompt] of Object.entries(spec.prompts)) {
    for (const clipSkip of [1, 2]) {
      const options = { emphasis: 'comfy', clipSkip, embeddings: [] } as const;
      const { embedding } = await encodePrompt(model.textModels, prompt, options);
      checks.push(
        ...check(`cond.${name}${clipSkip === 2 ? '_skip2' : ''}`, embedding.data, spec.tolerance.cond),
      );
    }
  }
  return checks;
}

function requestOf(run: Run, { size }: EndToEndCase, batch: number): GenerationRequest {
  return generationRequestSchema.parse({
    kind: run.denoise < 1 ? 'image-to-image' : 'text-to-image',
    checkpoint: { name: 'reference' },
    prompt: run.positive,
    negativePrompt: run.negative,
    sampler: run.sampler,
    schedule: run.scheduler,
    steps: run.steps,
    guidanceScale: run.cfg,
    seed: String(run.seed),
    batchSeeds: 'batch',
    clipSkip: run.clip_skip ?? 1,
    emphasis: 'comfy',
    batch,
    ...size,
    ...(run.denoise < 1 && {
      initImage: { path: 'image.png' },
      denoisingStrength: run.denoise,
      stepRule: 'comfy',
    }),
  });
}

interface RunMask {
  readonly pixels: Tensor;
  readonly latent: Tensor;
}

function readMask(pixels: Tensor, { width, height }: GenerationRequest): RunMask {
  const small = latentMask(maskOf(pixels.data, width, height), width / 8, height / 8);
  return {
    pixels: tensor(pixels.data, [1, 1, height, width]),
    latent: tensor(small.data, [1, 1, height / 8, width / 8]),
  };
}

/** Masks are stored as bytes 0/1 or as float32. */
function readTensorMask(caseDir: string, name: string): Tensor {
  const io = openTensors(caseDir, 'io.safetensors');
  return readTensor(io, name);
}

async function inputsOf(
  model: Networks,
  run: Run,
  pixels: Tensor,
  mask: RunMask | undefined,
): Promise<GenerationInputs> {
  const usesImage = run.denoise < 1 || mask !== undefined;
  const extra = model.config.unet.inChannels === 9 && mask;
  return {
    ...(usesImage && { initLatent: await model.encodeImage(pixels) }),
    ...(mask && !run.id.endsWith('nomask') && { latentMask: mask.latent }),
    ...(extra && {
      extraChannels: await inpaintChannels(model.encodeImage, pixels, mask.pixels, mask.latent),
    }),
  };
}

function initialNoise(request: GenerationRequest, model: Networks): Float32Array {
  const { rng, batchSeeds, batch, width, height } = request;
  const shape = [batch, model.config.vae.embedDim, height / 8, width / 8] as const;
  return latentNoise({ rng, seed: BigInt(request.seed), batchSeeds, stepDraws: 'restart', shape }).initial
    .data;
}

/** [B, 3, H, W] in −1…1 → NHWC in 0…1, clamped. */
function channelsLast({ data, shape }: Tensor): Float32Array {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const plane = height * width;
  return Float32Array.from({ length: batch * plane * channels }, (_, i) => {
    const channel = i % channels;
    const pixel = Math.floor(i / channels);
    const at = Math.floor(pixel / plane) * channels * plane + channel * plane + (pixel % plane);
    return Math.min(1, Math.max(0, (data[at]! + 1) / 2));
  });
}
