/** ComfyUI's HTTP and WebSocket interface: graphs are queued as jobs, their pictures fetched by name. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { StudioError } from '../../../preload/errors.ts';
import type { Job } from '../../../preload/jobs.ts';
import { queryText } from '../../app/border.ts';
import type { Services } from '../../app/services.ts';
import { findFile } from '../../files/stored.ts';
import { imagePath, storeUpload } from '../../history/uploads.ts';
import { parsePythonJson, pythonJson } from '../../images/comfy/graph.ts';
import { inputNamed, rememberInput, toJob } from './graphs.ts';
import { readUpload } from './multipart.ts';
import { fileNames, nodeInfo } from './nodes.ts';
import { outputsOf, type Prompt } from './prompts.ts';
import { type ComfySocket, createComfySocket } from './socket.ts';
import { validatePrompt } from './validation.ts';

const MAX_PROMPTS = 1000;

const promptBody = z.object({
  prompt: z.record(z.string(), z.unknown()),
  client_id: z.string().max(200).nullish(),
  prompt_id: z.string().max(200).nullish(),
  front: z.boolean().nullish(),
  extra_data: z.unknown().optional(),
});

/** Adds the routes, with and without the `/api` prefix. @returns what accepts sockets on `/ws`. */
export function addComfyApi(app: FastifyInstance, s: Services): ComfySocket['accept'] {
  const prompts = new Map<string, Prompt>();
  const socket = createComfySocket(s, prompts);
  // What the studio's window clears is gone here too.
  s.events.subscribe((event) => {
    if (event.type !== 'jobs-removed') return;
    for (const [id, { jobId }] of prompts) if (event.ids.includes(jobId)) prompts.delete(id);
  });
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  void app.register(async (scope) => {
    keepSeeds(scope);
    for (const prefix of ['', '/api']) addPromptRoutes(scope, s, prompts, socket, prefix);
  });
  for (const prefix of ['', '/api']) addFileRoutes(app, s, prefix);
  return socket.accept;
}

/** Seeds have 64 bits, which a number of JavaScript's does not hold: in these routes they are bigints, in and out. */
function keepSeeds(scope: FastifyInstance): void {
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : parsePythonJson(body.toString()));
    } catch {
      done(new StudioError('bad-input', 'The body is no JSON.', 'Correct the request, then send it again.'));
    }
  });
  scope.setReplySerializer((payload) => pythonJson(payload));
}

function addPromptRoutes(
  app: FastifyInstance,
  s: Services,
  prompts: Map<string, Prompt>,
  socket: ComfySocket,
  prefix: string,
): void {
  const at = (path: string) => `${prefix}/${path}`;
  app.post(at('prompt'), ({ body }, reply) => queuePrompt(s, prompts, socket, body, reply));
  app.get(at('prompt'), async () => ({ exec_info: { queue_remaining: waiting(s).length } }));
  app.get(at('queue'), async () => queueOf(s, prompts));
  app.post(at('queue'), async ({ body }) => {
    const { clear, delete: ids = [] } = deleteBody.parse(body);
    const chosen = clear ? [...prompts.values()] : ids.flatMap((id) => prompts.get(id) ?? []);
    for (const { jobId } of chosen) if (s.jobs.get(jobId).state === 'queued') s.jobs.cancel(jobId);
    return {};
  });
  app.post(at('interrupt'), async () => {
    const running = s.jobs.list().jobs.find(({ state }) => state === 'running');
    if (running !== undefined) s.jobs.cancel(running.id);
    return {};
  });
  app.get<{ Querystring: Record<string, unknown> }>(at('history'), async ({ query }) => {
    const settled = [...prompts.values()].flatMap((prompt) => historyEntry(s, prompt));
    const wanted = Number(queryText(query['max_items']));
    return Object.fromEntries(settled.slice(-(wanted >= 1 ? wanted : MAX_PROMPTS)));
  });
  app.get<{ Params: { id: string } }>(at('history/:id'), async ({ params }) => {
    const prompt = prompts.get(params.id);
    return prompt === undefined ? {} : Object.fromEntries(historyEntry(s, prompt));
  });
  app.post(at('history'), async ({ body }) => {
    const { clear, delete: ids = [] } = deleteBody.parse(body);
    for (const id of clear ? [...prompts.keys()] : ids) prompts.delete(id);
    return {};
  });
}

const deleteBody = z
  .object({ clear: z.boolean().optional(), delete: z.array(z.string()).optional() })
  .catch({});

async function queuePrompt(
  s: Services,
  prompts: Map<string, Prompt>,
  socket: ComfySocket,
  body: unknown,
  reply: FastifyReply,
) {
  const parsed = promptBody.safeParse(body);
  if (!parsed.success) return refuse(reply, 'no_prompt', 'No prompt provided');
  const { prompt: graph, client_id, prompt_id, front, extra_data } = parsed.data;
  const { error, node_errors, graph: sound } = validatePrompt(s, graph);
  if (error !== null) return reply.code(400).send({ error, node_errors });
  const job = await toJob(s, sound);
  if ('problem' in job) return refuse(reply, 'prompt_outputs_failed_validation', job.problem);
  const blocking = s.jobs.plan(job.request).warnings.find((warning) => warning.blocking);
  if (blocking) return refuse(reply, 'value_not_in_list', `${blocking.message} ${blocking.hint}`);
  const id = prompt_id ?? randomUUID();
  // Queued paused for a moment: the first event of the job must find its prompt.
  const number = prompts.size;
  const queued = s.jobs.add(job.request, front ? 'next' : 'end');
  const prompt: Prompt = {
    id,
    number,
    jobId: queued.id,
    clientId: client_id ?? null,
    graph,
    extra: extra_data ?? {},
    outputs: job.outputs,
  };
  prompts.set(id, prompt);
  for (const oldest of prompts.keys()) {
    if (prompts.size <= MAX_PROMPTS) break;
    prompts.delete(oldest);
  }
  socket.started(prompt);
  return { prompt_id: id, number, node_errors };
}

function refuse(reply: FastifyReply, type: string, message: string) {
  return reply
    .code(400)
    .send({ error: { type, message, details: message, extra_info: {} }, node_errors: {} });
}

function waiting({ jobs }: Services): Job[] {
  return jobs.list().jobs.filter(({ state }) => state === 'queued' || state === 'running');
}

function queueOf(s: Services, prompts: ReadonlyMap<string, Prompt>) {
  const byJob = new Map([...prompts.values()].map((prompt) => [prompt.jobId, prompt]));
  const shown = (wanted: Job['state']) =>
    waiting(s)
      .filter(({ state }) => state === wanted)
      .flatMap(({ id }) => {
        const prompt = byJob.get(id);
        return prompt === undefined ? [] : [tupleOf(prompt)];
      });
  return { queue_running: shown('running'), queue_pending: shown('queued') };
}

function tupleOf({ number, id, graph, extra, outputs }: Prompt) {
  return [number, id, graph, extra, outputs];
}

/** The prompt's entry once it has ended; nothing before. */
function historyEntry(s: Services, prompt: Prompt): [string, unknown][] {
  const job = s.jobs.get(prompt.jobId);
  if (!['done', 'failed', 'cancelled'].includes(job.state)) return [];
  const success = job.state === 'done';
  const outputs = success ? outputsOf(prompt, job) : {};
  const last = success
    ? ['execution_success', { prompt_id: prompt.id }]
    : ['execution_error', { prompt_id: prompt.id, exception_message: job.error?.message ?? 'Stopped.' }];
  const status = {
    status_str: success ? 'success' : 'error',
    completed: success,
    messages: [['execution_start', { prompt_id: prompt.id }], last],
  };
  return [[prompt.id, { prompt: tupleOf(prompt), outputs, status, meta: {} }]];
}

function addFileRoutes(app: FastifyInstance, s: Services, prefix: string): void {
  const at = (path: string) => `${prefix}/${path}`;
  app.get<{ Querystring: Record<string, unknown> }>(at('view'), async ({ query }, reply) => {
    const name = queryText(query['filename']);
    const path = await viewedFile(s, name, queryText(query['type']) || 'output');
    reply.header('content-disposition', `filename*=UTF-8''${encodeURIComponent(name)}`);
    return reply.type(path.type).send(await readFile(path.path));
  });
  for (const kind of ['image', 'mask']) {
    app.post(at(`upload/${kind}`), async ({ body, headers }) => {
      const { name, bytes } = await readUpload(body, headers['content-type'] ?? '');
      const { image } = await storeUpload(s.places, bytes, name);
      rememberInput(s, name, image.sha256 ?? '');
      return { name, subfolder: '', type: 'input' };
    });
  }
  app.get(at('object_info'), async () => nodeInfo(s));
  app.get<{ Params: { name: string } }>(at('object_info/:name'), async ({ params }) => {
    const node = nodeInfo(s)[params.name];
    return node === undefined ? {} : { [params.name]: node };
  });
  app.get(at('embeddings'), async () =>
    fileNames(s, 'embedding').map((name) => name.replace(/\.[^.]+$/, '')),
  );
  app.get(at('extensions'), async () => []);
  app.get(at('system_stats'), async () => ({
    system: {
      os: process.platform,
      ram_total: totalmem(),
      ram_free: freemem(),
      comfyui_version: '0.0.0',
      python_version: '',
      pytorch_version: '',
      embedded_python: false,
      argv: [],
    },
    devices: [
      {
        name: 'cpu',
        type: 'cpu',
        index: null,
        vram_total: totalmem(),
        vram_free: freemem(),
        torch_vram_total: totalmem(),
        torch_vram_free: freemem(),
      },
    ],
  }));
}

/** Output pictures by the id in their name, inputs by the name they were uploaded under. */
async function viewedFile(s: Services, name: string, type: string): Promise<{ path: string; type: string }> {
  if (type === 'input') {
    const sha256 = inputNamed(s, name);
    if (sha256 === null) throw new StudioError('not-found', 'There is no such picture.', 'Upload it again.');
    return findFile(s, 'upload', sha256).then((file) => ({
      ...file,
      path: imagePath({ db: s.db, ...s.folder }, { sha256 }),
    }));
  }
  return findFile(s, 'picture', /_(\d+)_\.png$/.exec(name)?.[1] ?? name);
}
