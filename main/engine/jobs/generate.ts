/** The job "generate": from a request to pictures, with everything around the pipeline that touches files and clocks. */
import { type GenerationRequest, generationRequestSchema } from '../../../preload/request.ts';
import { finalSize } from '../../images/comfy/exportSampling.ts';
import { fromTensor, type Pixels } from '../../images/pixels.ts';
import { partOfRows } from '../../pipeline/evaluation.ts';
import { type Generated, generateLatent, sigmasOf } from '../../pipeline/generate.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { withTaggedLoras } from '../../pipeline/text/prompt/taggedLoras.ts';
import { rejectNaN } from '../border/failures.ts';
import type { EngineResult } from '../border/protocol.ts';
import type { EngineHost, ReadyCheckpoint } from '../loading/host.ts';
import type { JobContext } from './context.ts';
import { readEmbeddings } from './embeddingFiles.ts';
import { preparePictures, type RequestPictures } from './pictures.ts';
import { type ProgressReporter, progressReporter } from './progress.ts';
import { requestControls } from './requestControls.ts';
import { fileOf, loraChoices } from './requestFiles.ts';
import { enlargedLatent, type SecondPass, secondPassOf } from './secondPass.ts';

/** Throws EngineError naming what of the request is wrong, PictureError and WeightsError for bad files. */
export async function generate(
  host: EngineHost,
  untrusted: GenerationRequest,
  context: JobContext,
): Promise<EngineResult> {
  const request = withTaggedLoras(generationRequestSchema.parse(untrusted));
  const progress = progressReporter(context.onProgress);
  progress.begin('load');
  const opened = await openCheckpoint(host, request, context, progress);
  const job: Job = { host, opened, context, progress };
  const { inChannels } = opened.config.unet;
  progress.begin('encode image');
  const pictures = await preparePictures(opened.networks, request);
  const seeds = seedsOf(request);
  if (pictures.unchanged && sigmasOf(request).length < 2) {
    const images = seeds.map(() => pictures.unchanged!);
    const notes = ['Denoising strength leaves no step to run: the picture comes back unchanged.'];
    return { kind: 'images', images, seeds, notes, timings: progress.timings() };
  }
  const first = await paint(job, request, pictures, pictures.inputs);
  const second = secondPassOf(request, inChannels);
  const last = second
    ? await paintLarger(job, request, second, first.latent)
    : { latent: first.latent, finish: pictures.finish };
  const images = await decodeEach(job, last.latent);
  return {
    kind: 'images',
    images: images.map(last.finish),
    seeds,
    notes: [...opened.notes, ...first.problems],
    timings: progress.timings(),
    graph: { inpaintModel: inChannels === 9, ...(pictures.region && { region: pictures.region }) },
  };
}

/** What every pass of a job works with. */
interface Job {
  readonly host: EngineHost;
  readonly opened: ReadyCheckpoint;
  readonly context: JobContext;
  readonly progress: ProgressReporter;
}

/** The request's checkpoint, with memory for its largest picture. */
function openCheckpoint(
  host: EngineHost,
  request: GenerationRequest,
  { settings, signal }: JobContext,
  progress: ProgressReporter,
): Promise<ReadyCheckpoint> {
  const size = finalSize(request);
  return host.open(fileOf(request.checkpoint, 'checkpoint'), {
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
}

/** The second pass over the first one's latent. */
async function paintLarger(
  job: Job,
  request: GenerationRequest,
  { painted, pictures }: SecondPass,
  latent: Tensor,
): Promise<Pick<Generated, 'latent'> & Pick<RequestPictures, 'finish'>> {
  const { opened, context, progress } = job;
  const { networks, session } = opened;
  const initLatent = await enlargedLatent(networks, request, latent, {
    session,
    progress,
    signal: context.signal,
  });
  const larger = await preparePictures(networks, pictures);
  const { latent: finer } = await paint(job, painted, larger, { ...larger.inputs, initLatent });
  return { latent: finer, finish: larger.finish };
}

/** From pictures to a latent, with a progress report for every step. */
async function paint(
  { host, opened: { networks }, context: { settings, signal }, progress }: Job,
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
  { opened: { networks }, context: { signal }, progress }: Job,
  latent: Tensor,
): Promise<Pixels[]> {
  const batch = latent.shape[0]!;
  progress.begin('decode', batch);
  const images: Pixels[] = [];
  for (let item = 0; item < batch; item++) {
    signal.throwIfAborted();
    const one = partOfRows(latent, item, batch);
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
