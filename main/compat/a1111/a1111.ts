/** A1111's HTTP interface (`/sdapi/v1/`), so that its clients can use the studio unchanged. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { StudioError } from '../../../preload/errors.ts';
import type { Job, JobProgress, JobRequest } from '../../../preload/jobs.ts';
import type { GenerationRequest } from '../../../preload/request.ts';
import type { Services } from '../../app/services.ts';
import { settingsText } from '../../history/importing.ts';
import { readImageMetadata } from '../../images/metadata/read.ts';
import { a1111Sampler } from '../../images/recall/names.ts';
import { requireModel } from '../../library/resolve.ts';
import { chosenSpeed, speedSchema, storedOptions, storeOptions } from '../options.ts';
import { defaultCheckpoint, picturesOf, runJob, storeBase64 } from '../running.ts';
import * as lists from './lists.ts';
import { imageToImageBody, textToImageBody, titleRef, toImageRequest, toTextRequest } from './requests.ts';

/** Adds the routes; they need no token, only a request from this machine (see guard.ts). */
export function addA1111Api(app: FastifyInstance, s: Services): void {
  const at = (path: string) => `/sdapi/v1/${path}`;
  allowEmptyJson(app);
  app.post(at('txt2img'), async ({ body }) => {
    const parsed = parse(textToImageBody, body);
    return generate(s, parsed, body, await toTextRequest(s, parsed, currentCheckpoint(s)));
  });
  app.post(at('img2img'), async ({ body }) => {
    const parsed = parse(imageToImageBody, body);
    return generate(s, parsed, body, await toImageRequest(s, parsed, currentCheckpoint(s)));
  });
  app.post(at('extra-single-image'), ({ body }) => enlarge(s, body));
  app.post(at('png-info'), async ({ body }) =>
    pictureInfo(parse(z.object({ image: z.string() }), body).image),
  );
  addState(app, s, at);
  addLists(app, s, at);
}

/** Clients announce JSON for calls without a body too; A1111 does not mind. */
function allowEmptyJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, undefined) : parseJson(request, body.toString(), done),
  );
}

function addState(app: FastifyInstance, s: Services, at: (path: string) => string): void {
  let latest: JobProgress | null = null;
  s.events.subscribe((event) => {
    if (event.type === 'progress')
      latest = { ...event.progress, preview: event.progress.preview ?? latest?.preview ?? null };
    if (event.type === 'job' && event.job.state !== 'running') latest = null;
  });
  app.get<{ Querystring: { skip_current_image?: string } }>(at('progress'), ({ query }) =>
    progressOf(s, latest, query.skip_current_image === 'true'),
  );
  const stop = () => {
    const running = s.jobs.list().jobs.find(({ state }) => state === 'running');
    if (running !== undefined) s.jobs.cancel(running.id);
    return {};
  };
  app.post(at('interrupt'), async () => stop());
  app.post(at('skip'), async () => stop());
  app.get(at('options'), async () => ({
    sd_model_checkpoint: titleOfCurrent(s),
    ...storedOptions(s),
    emulsion_speed: chosenSpeed(s),
  }));
  app.post(at('options'), async ({ body }) => {
    const options = { ...storedOptions(s), ...parse(z.record(z.string(), z.unknown()), body) };
    if (typeof options['sd_model_checkpoint'] === 'string')
      requireModel(s.db, titleRef(options['sd_model_checkpoint']), 'checkpoint');
    parse(z.object({ emulsion_speed: speedSchema.optional() }), options);
    storeOptions(s, options);
    return {};
  });
}

function addLists(app: FastifyInstance, s: Services, at: (path: string) => string): void {
  const answers: Readonly<Record<string, () => unknown>> = {
    'sd-models': () => lists.checkpoints(s),
    loras: () => lists.loras(s),
    'sd-vae': () => lists.vaes(s),
    embeddings: () => lists.embeddings(s),
    samplers: () => lists.samplers(),
    schedulers: () => lists.schedules(),
    upscalers: () => lists.upscalers(s),
    'latent-upscale-modes': () => [{ name: 'Latent' }],
    'prompt-styles': () => [],
    hypernetworks: () => [],
    'face-restorers': () => [],
    'cmd-flags': () => ({}),
    memory: () => ({ ram: process.memoryUsage(), cuda: {} }),
  };
  for (const [path, answer] of Object.entries(answers)) app.get(at(path), async () => answer());
  for (const path of ['refresh-checkpoints', 'refresh-loras', 'refresh-vae']) {
    app.post(at(path), async () => {
      await s.library.rescan();
      return {};
    });
  }
}

function parse<Shape>(schema: z.ZodType<Shape>, body: unknown): Shape {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new StudioError(
    'bad-input',
    `${issue?.path.join('.') || 'The body'}: ${issue?.message}`,
    'Correct this field.',
  );
}

/** Runs `n_iter` jobs, whose seeds follow on, and answers with all their pictures. */
async function generate(
  s: Services,
  options: { n_iter: number; send_images?: boolean | null | undefined },
  body: unknown,
  request: GenerationRequest,
) {
  const jobs: Job[] = [];
  for (let round = 0; round < Math.min(100, Math.max(1, options.n_iter)); round++) {
    const seed = BigInt.asUintN(64, BigInt(request.seed) + BigInt(round * request.batch));
    const job = await runJob(s, { ...request, seed: String(seed) }).catch(interrupted);
    if (job === undefined) break;
    jobs.push(job);
  }
  const pictures = (await Promise.all(jobs.map((job) => picturesOf(s, job)))).flat();
  const images =
    options.send_images === false ? [] : pictures.map(({ bytes }) => Buffer.from(bytes).toString('base64'));
  return { images, parameters: body, info: JSON.stringify(infoOf(request, pictures)) };
}

/** An interrupted run is no error to A1111's clients: they get the pictures finished before. */
function interrupted(error: unknown): undefined {
  if (error instanceof StudioError && error.code === 'cancelled') return undefined;
  throw error;
}

function infoOf(request: GenerationRequest, pictures: readonly { seed: string; parameters: string }[]) {
  const seeds = pictures.map(({ seed }) => Number(seed));
  const {
    prompt,
    negativePrompt,
    width,
    height,
    sampler,
    guidanceScale,
    steps,
    batch,
    clipSkip,
    checkpoint,
  } = request;
  return {
    prompt,
    all_prompts: pictures.map(() => prompt),
    negative_prompt: negativePrompt,
    all_negative_prompts: pictures.map(() => negativePrompt),
    seed: seeds[0] ?? -1,
    all_seeds: seeds,
    subseed: -1,
    all_subseeds: pictures.map(() => -1),
    subseed_strength: 0,
    ...{
      width,
      height,
      steps,
      sampler_name: a1111Sampler(sampler),
      cfg_scale: guidanceScale,
      batch_size: batch,
      clip_skip: clipSkip,
    },
    sd_model_name: checkpoint.name,
    sd_model_hash: checkpoint.sha256?.slice(0, 10) ?? '',
    denoising_strength: 'denoisingStrength' in request ? request.denoisingStrength : 0,
    infotexts: pictures.map(({ parameters }) => parameters),
    index_of_first_image: 0,
    is_using_inpainting_conditioning: false,
  };
}

const enlargeBody = z.object({
  image: z.string(),
  upscaler_1: z.string().nullish(),
  upscaling_resize: z.number().nullish(),
});

async function enlarge(s: Services, body: unknown) {
  const { image, upscaler_1, upscaling_resize } = parse(enlargeBody, body);
  if (!upscaler_1 || /^none$/i.test(upscaler_1))
    return { html_info: '', image: image.replace(/^data:[^,]*,/, '') };
  const request: JobRequest = {
    kind: 'upscale',
    image: await storeBase64(s, image),
    upscaler: { name: upscaler_1 },
    ...(upscaling_resize && { scale: upscaling_resize }),
    tile: 256,
  };
  const [picture] = await picturesOf(s, await runJob(s, request));
  return { html_info: '', image: Buffer.from(picture?.bytes ?? []).toString('base64') };
}

async function pictureInfo(image: string) {
  const found = await readImageMetadata(Buffer.from(image.replace(/^data:[^,]*,/, ''), 'base64'));
  return { info: settingsText(found), items: found.raw, parameters: found.request };
}

function progressOf({ jobs }: Services, progress: JobProgress | null, skipImage: boolean) {
  const open = jobs.list().jobs.filter(({ state }) => state === 'running' || state === 'queued');
  const image = skipImage ? null : (progress?.preview?.dataUrl.replace(/^data:[^,]*,/, '') ?? null);
  return {
    progress: progress?.fraction ?? 0,
    eta_relative: progress?.secondsLeft ?? 0,
    state: {
      skipped: false,
      interrupted: false,
      stopping_generation: false,
      job: progress === null ? '' : `job ${progress.jobId}`,
      job_count: open.length,
      job_timestamp: '0',
      job_no: 0,
      sampling_step: progress?.stage === 'denoise' ? progress.step : 0,
      sampling_steps: progress?.stage === 'denoise' ? progress.steps : 0,
    },
    current_image: image,
    textinfo: progress?.stage ?? null,
  };
}

function currentCheckpoint(s: Services) {
  const title = storedOptions(s)['sd_model_checkpoint'];
  return typeof title === 'string' ? titleRef(title) : defaultCheckpoint(s);
}

/** Null in a library without checkpoints. */
function titleOfCurrent(s: Services): string | null {
  try {
    const { path } = requireModel(s.db, currentCheckpoint(s), 'checkpoint');
    return lists.checkpoints(s).find(({ filename }) => filename === path)?.title ?? null;
  } catch {
    return null;
  }
}
