/** The job "generate": from a request to pictures, with everything around the pipeline that touches files and clocks. */
import { type GenerationRequest, generationRequestSchema } from '../../preload/request.ts';
import { fromTensor, type Pixels } from '../images/pixels.ts';
import { generateLatent, sigmasOf } from '../pipeline/generate.ts';
import type { Tensor } from '../pipeline/tensor.ts';
import { badInput } from './failures.ts';
import { requestControls } from './hints.ts';
import type { EngineHost } from './host.ts';
import type { JobContext } from './jobs.ts';
import type { Networks } from './networks.ts';
import { preparePictures } from './pictures.ts';
import { previewOf } from './preview.ts';
import { type ProgressReporter, progressReporter } from './progress.ts';
import type { EngineResult } from './protocol.ts';
import { fileOf, loraChoices } from './requestFiles.ts';

export async function generate(
  host: EngineHost,
  untrusted: GenerationRequest,
  context: JobContext,
): Promise<EngineResult> {
  const request = generationRequestSchema.parse(untrusted);
  const { settings, signal } = context;
  const progress = progressReporter(context.onProgress);
  progress.begin('load');
  const path = fileOf(request.checkpoint, 'checkpoint');
  const checkpoint = await host.open(path, {
    settings,
    signal,
    pixels: request.width * request.height,
    loras: loraChoices(request),
    onLoad: () => undefined,
  });
  const { networks, config, notes } = checkpoint;
  progress.begin('encode image');
  const pictures = await preparePictures(networks, request);
  const wrapEvaluate = await requestControls(host, request, pictures.toSize, settings);
  const seeds = seedsOf(request);
  if (pictures.unchanged && sigmasOf(request).length < 2) {
    const images = seeds.map(() => pictures.unchanged!);
    const notes = ['Denoising strength leaves no step to run: the picture comes back unchanged.'];
    return { kind: 'images', images, seeds, notes, timings: progress.timings() };
  }
  const steps = Math.max(1, sigmasOf(request).length - 1);
  const { latent, problems } = await generateLatent(
    networks,
    request,
    { ...pictures.inputs, wrapEvaluate },
    {
      signal,
      onStage: (stage) => progress.begin(stage, stage === 'denoise' ? steps : 1),
      onStep: ({ denoised }) => {
        progress.advance(settings.previews ? { preview: previewOf(denoised, config) } : {});
      },
    },
  );
  signal.throwIfAborted();
  rejectNaN(latent.data, path);
  const images = await decodeEach(networks, latent, { progress, signal });
  return {
    kind: 'images',
    images: images.map(pictures.finish),
    seeds,
    notes: [...notes, ...problems],
    timings: progress.timings(),
  };
}

/** One picture at a time: the decoder takes the most memory of all networks. */
async function decodeEach(
  { decodeLatent }: Pick<Networks, 'decodeLatent'>,
  { data, shape: [batch = 1, ...rest] }: Tensor,
  { progress, signal }: { progress: ProgressReporter; signal: AbortSignal },
): Promise<Pixels[]> {
  progress.begin('decode', batch);
  const size = data.length / batch;
  const images: Pixels[] = [];
  for (let item = 0; item < batch; item++) {
    signal.throwIfAborted();
    const one = { data: data.slice(item * size, (item + 1) * size), shape: [1, ...rest] };
    images.push(...fromTensor(await decodeLatent(one), 'signed'));
    progress.advance();
  }
  return images;
}

/** Broken weights (or half precision that overflowed) end in NaN: black pictures would hide it. */
function rejectNaN(values: Float32Array, path: string): void {
  if (!values.some((value) => !Number.isFinite(value))) return;
  throw badInput(
    `${path}: the network's output is not a number.`,
    'The weights are damaged (NaN or infinite); run "emulsion inspect --deep" on the file or use another.',
  );
}

/** The seed that, alone, gives each picture of the batch (A1111), or the one seed of all (ComfyUI). */
function seedsOf({ seed, batch, batchSeeds }: GenerationRequest): string[] {
  return Array.from({ length: batch }, (_, i) =>
    String(batchSeeds === 'increment' ? BigInt.asUintN(64, BigInt(seed) + BigInt(i)) : BigInt(seed)),
  );
}
