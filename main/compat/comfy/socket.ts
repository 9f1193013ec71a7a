/** ComfyUI's `/ws`: tells clients how their prompts go, with preview pictures as binary messages. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Job, JobProgress } from '../../../preload/jobs.ts';
import type { Services } from '../../app/services.ts';
import { outputsOf, type Prompt } from './prompts.ts';

export interface ComfySocket {
  accept(socket: WebSocket, request: IncomingMessage): void;
  /** A prompt was queued; its job may already run. */
  started(prompt: Prompt): void;
}

/** Binary message: event 1 (preview), format 2 (PNG), big-endian, then the file. */
const PREVIEW_HEADER = Buffer.from([0, 0, 0, 1, 0, 0, 0, 2]);

/** Bytes left unread at which a client gets no more previews, and at which it is taken for gone. */
const PREVIEW_BACKLOG = 4 * 2 ** 20;
const MAX_UNREAD = 64 * 2 ** 20;

export function createComfySocket(s: Services, prompts: ReadonlyMap<string, Prompt>): ComfySocket {
  const sockets = new Map<string, WebSocket>();
  const promptOf = (jobId: number) => [...prompts.values()].findLast((prompt) => prompt.jobId === jobId);
  const tell = (clientId: string | null, type: string, data: unknown) => {
    const text = JSON.stringify({ type, data });
    for (const [id, socket] of sockets) {
      if (clientId !== null && id !== clientId) continue;
      socket.send(text);
      if (socket.bufferedAmount > MAX_UNREAD) socket.terminate();
    }
  };
  const status = () => {
    const open = s.jobs.list().jobs.filter(({ state }) => state === 'queued' || state === 'running');
    return { status: { exec_info: { queue_remaining: open.length } } };
  };
  const onJob = (prompt: Prompt, job: Job) => {
    tell(null, 'status', status());
    for (const [type, data] of messagesOf(prompt, job)) tell(prompt.clientId, type, data);
  };
  s.events.subscribe((event) => {
    if (event.type === 'progress') onProgress(promptOf(event.progress.jobId), event.progress, tell, sockets);
    if (event.type === 'jobs-removed') tell(null, 'status', status());
    if (event.type !== 'job') return;
    const prompt = promptOf(event.job.id);
    if (prompt !== undefined) onJob(prompt, event.job);
  });
  return {
    started: (prompt) => onJob(prompt, s.jobs.get(prompt.jobId)),
    accept: (socket, request) => {
      const id =
        new URL(request.url ?? '/', 'http://localhost').searchParams.get('clientId') ??
        randomUUID().replaceAll('-', '');
      sockets.get(id)?.terminate();
      sockets.set(id, socket);
      socket.on('close', () => {
        if (sockets.get(id) === socket) sockets.delete(id);
      });
      socket.on('error', () => socket.terminate());
      socket.send(JSON.stringify({ type: 'status', data: { ...status(), sid: id } }));
    },
  };
}

type Message = readonly [type: string, data: unknown];

function messagesOf(prompt: Prompt, job: Job): Message[] {
  const base = { prompt_id: prompt.id };
  switch (job.state) {
    case 'running':
      return [
        ['execution_start', base],
        ['execution_cached', { ...base, nodes: [] }],
        ['executing', { ...base, node: samplerOf(prompt) }],
      ];
    case 'done': {
      const outputs = Object.entries(outputsOf(prompt, job));
      return [
        ...outputs.map(
          ([node, output]): Message => ['executed', { ...base, node, display_node: node, output }],
        ),
        ['execution_success', base],
        ['executing', { ...base, node: null }],
      ];
    }
    case 'failed':
      return [['execution_error', { ...base, ...errorOf(prompt, job) }]];
    case 'cancelled':
      return [
        [
          'execution_interrupted',
          { ...base, node_id: samplerOf(prompt), node_type: 'KSampler', executed: [] },
        ],
      ];
    default:
      return [];
  }
}

function errorOf(prompt: Prompt, { error }: Job) {
  const message = `${error?.message ?? 'The job failed.'} ${error?.hint ?? ''}`.trim();
  const node = { node_id: samplerOf(prompt), node_type: 'KSampler', executed: [] };
  return {
    ...node,
    exception_message: message,
    exception_type: error?.code ?? 'internal',
    traceback: [],
    current_inputs: {},
    current_outputs: {},
  };
}

/** The node that takes the time: progress is shown on it. */
function samplerOf({ graph, outputs }: Prompt): string {
  const found = Object.entries(graph).find(([, node]) =>
    /Sampler|UpscaleWithModel/.test(String((node as { class_type?: unknown }).class_type)),
  );
  return found?.[0] ?? outputs[0] ?? '';
}

function onProgress(
  prompt: Prompt | undefined,
  progress: JobProgress,
  tell: (clientId: string | null, type: string, data: unknown) => void,
  sockets: ReadonlyMap<string, WebSocket>,
): void {
  if (prompt === undefined || (progress.stage !== 'denoise' && progress.stage !== 'upscale')) return;
  const { step: value, steps: max, preview } = progress;
  tell(prompt.clientId, 'progress', { value, max, prompt_id: prompt.id, node: samplerOf(prompt) });
  if (preview === null) return;
  const png = Buffer.from(preview.dataUrl.slice(preview.dataUrl.indexOf(',') + 1), 'base64');
  for (const [id, socket] of sockets) {
    const isAsked = prompt.clientId === null || id === prompt.clientId;
    if (isAsked && socket.bufferedAmount < PREVIEW_BACKLOG) socket.send(Buffer.concat([PREVIEW_HEADER, png]));
  }
}
