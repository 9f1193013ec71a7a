/** The job "generate": from a request to pictures, with everything around the pipeline that touches files and clocks. */
import { type GenerationRequest, generationRequestSchema } from '../../preload/request.ts';
import { fromTensor, type Pixels } from '../images/pixels.ts';
import { generateLatent, sigmasOf } from '../pipeline/generate.ts';
import { badInput } from './failures.ts';
import type { EngineHost } from './host.ts';
import type { JobContext } from './jobs.ts';
import type { LoraChoice } from './loras.ts';
import { preparePictures } from './pictures.ts';
import { previewOf } from './preview.ts';
import { progressReporter } from './progress.ts';
import type { EngineResult } from './protocol.ts';

export async function generate(
  host: EngineHost,
  untrusted: GenerationRequest,
  context: JobContext,
): Promise<EngineResult> {
  const request = generationRequestSchema.parse(untrusted);
  const { settings, signal } = context;
  const progress = progressReporter(context.onProgress);
  progress.begin('load');
  const path = request.checkpoint.path;
  if (!path)
    throw badInput(
      `The checkpoint "${request.checkpoint.name}" is not in the library.`,
      'Choose another or add its file.',
    );
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
  const seeds = seedsOf(request);
  if (pictures.unchanged && sigmasOf(request).length < 2) {
    const images = seeds.map(() => pictures.unchanged!);
    const notes = ['Denoising strength leaves no step to run: the picture comes back unchanged.'];
    return { kind: 'images', images, seeds, notes, timings: progress.timings() };
  }
  const steps = Math.max(1, sigmasOf(request).length - 1);
  const { latent, problems } = await generateLatent(networks, request, pictures.inputs, {
    signal,
    onStage: (stage) => progress.begin(stage, stage === 'denoise' ? steps : 1),
    onStep: ({ denoised }) => {
      progress.advance(settings.previews ? { preview: previewOf(denoised, config) } : {});
    },
  });
  signal.throwIfAborted();
  rejectNaN(latent.data, path);
  progress.begin('decode', request.batch);
  const images: Pixels[] = [];
  for (let item = 0; item < request.batch; item++) {
    signal.throwIfAborted();
    const size = latent.data.length / request.batch;
    const one = {
      data: latent.data.slice(item * size, (item + 1) * size),
      shape: [1, ...latent.shape.slice(1)],
    };
    const [pixels] = fromTensor(await networks.decodeLatent(one), 'signed');
    images.push(pictures.finish(pixels!));
    progress.advance();
  }
  return { kind: 'images', images, seeds, notes: [...notes, ...problems], timings: progress.timings() };
}

/** The LoRAs of a request, every one with a file. */
function loraChoices({ loras }: GenerationRequest): LoraChoice[] {
  return loras.map(({ model, unetWeight, textWeight }) => {
    if (model.path) return { path: model.path, unetWeight, textWeight };
    throw badInput(`The LoRA "${model.name}" is not in the library.`, 'Choose another or add its file.');
  });
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
