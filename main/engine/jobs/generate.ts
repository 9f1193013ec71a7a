/** The job "generate": from a request to pictures, with everything around the pipeline that touches files and clocks. */
import { type GenerationRequest, generationRequestSchema } from '../../../preload/request.ts';
import { finalSize } from '../../images/comfy/exportSampling.ts';
import { fromTensor, type Pixels } from '../../images/pixels.ts';
import { type Generated, generateLatent, sigmasOf } from '../../pipeline/generate.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { withTaggedLoras } from '../../pipeline/text/prompt/taggedLoras.ts';
import { rejectNaN } from '../border/failures.ts';
import type { EngineResult, EngineSettings } from '../border/protocol.ts';
import type { EngineHost } from '../loading/host.ts';
import type { Networks } from '../networks/networks.ts';
import type { JobContext } from './context.ts';
import { requestControls } from './controls.ts';
import { readEmbeddings } from './embeddingFiles.ts';
import { preparePictures, type RequestPictures } from './pictures.ts';
import { type ProgressReporter, progressReporter } from './progress.ts';
import { fileOf, loraChoices } from './requestFiles.ts';
import { enlargedLatent, secondPassOf } from './secondPass.ts';

/** Throws EngineError naming what of the request is wrong, PictureError and WeightsError for bad files. */
export async function generate(
  host: EngineHost,
  untrusted: GenerationRequest,
  context: JobContext,
): Promise<EngineResult> {
  const request = withTaggedLoras(generationRequestSchema.parse(untrusted));
  const { settings, signal } = context;
  const progress = progressReporter(context.onProgress);
  progress.begin('load');
  const path = fileOf(request.checkpoint, 'checkpoint');
  const size = finalSize(request);
  const { networks, notes, session } = await host.open(path, {
    settings,
    signal,
    pixels: size.width * size.height,
    batch: request.batch,
    loras: loraChoices(request),
    vae: request.vae && fileOf(request.vae, 'VAE'),
    speed: request.speed,
    onPack: (done, total) => (done === 0 ? progress.begin('load', total) : progress.advance()),
    onCompile: () => progress.aside('warm up'),
  });
  const job: Pass = { host, networks, settings, signal, progress };
  progress.begin('encode image');
  const pictures = await preparePictures(networks, request);
  const seeds = seedsOf(request);
  if (pictures.unchanged && sigmasOf(request).length < 2) {
    const images = seeds.map(() => pictures.unchanged!);
    const notes = ['Denoising strength leaves no step to run: the picture comes back unchanged.'];
    return { kind: 'images', images, seeds, notes, timings: progress.timings() };
  }
  const first = await paint(job, request, pictures, pictures.inputs);
  const second = secondPassOf(request, networks.config.unet.inChannels);
  let { latent } = first;
  let { finish } = pictures;
  if (second) {
    const initLatent = await enlargedLatent(networks, request, latent, { session, progress, signal });
    const larger = await preparePictures(networks, second.pictures);
    ({ latent } = await paint(job, second.painted, larger, { ...larger.inputs, initLatent }));
    ({ finish } = larger);
  }
  const images = await decodeEach(job, latent);
  return {
    kind: 'images',
    images: images.map(finish),
    seeds,
    notes: [...notes, ...first.problems],
    timings: progress.timings(),
    graph: {
      inpaintModel: networks.config.unet.inChannels === 9,
      ...(pictures.region && { region: pictures.region }),
    },
  };
}

/** What every pass of a job works with. */
interface Pass {
  readonly host: EngineHost;
  readonly networks: Networks;
  readonly settings: EngineSettings;
  readonly signal: AbortSignal;
  readonly progress: ProgressReporter;
}

/** From pictures to a latent, with a progress report for every step. */
async function paint(
  { host, networks, settings, signal, progress }: Pass,
  request: GenerationRequest,
  { toSize }: RequestPictures,
  inputs: RequestPictures['inputs'],
): Promise<Generated> {
  const wrapEvaluate = await requestControls(host, request, toSize);
  const steps = Math.max(1, sigmasOf(request).length - 1);
  const generated = await generateLatent(
    networks,
    request,
    { ...inputs, wrapEvaluate, embeddings: readEmbeddings(request) },
    {
      signal,
      onStage: (stage) => progress.begin(stage, stage === 'denoise' ? steps : 1),
      onStep: async ({ denoised }) =>
        progress.advance(settings.previews ? { preview: await host.preview(denoised, settings) } : {}),
    },
  );
  signal.throwIfAborted();
  rejectNaN(generated.latent.data, request.checkpoint.name);
  return generated;
}

/** One picture at a time: the decoder takes the most memory of all networks. */
async function decodeEach(
  { networks, signal, progress }: Pass,
  { data, shape: [batch = 1, ...rest] }: Tensor,
): Promise<Pixels[]> {
  progress.begin('decode', batch);
  const size = data.length / batch;
  const images: Pixels[] = [];
  for (let item = 0; item < batch; item++) {
    signal.throwIfAborted();
    const one = { data: data.slice(item * size, (item + 1) * size), shape: [1, ...rest] };
    images.push(...fromTensor(await networks.decodeLatent(one), 'signed'));
    progress.advance();
  }
  return images;
}

/** The seed that, alone, gives each picture of the batch (A1111), or the one seed of all (ComfyUI). */
function seedsOf({ seed, batch, batchSeeds }: GenerationRequest): string[] {
  return Array.from({ length: batch }, (_, i) =>
    String(batchSeeds === 'increment' ? BigInt.asUintN(64, BigInt(seed) + BigInt(i)) : BigInt(seed)),
  );
}
