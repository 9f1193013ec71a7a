/** A shard in a thread of its own: the calls of Shard as messages. What goes wrong there rejects the waiting call. */
import '../../engine/runtime/noTelemetry.ts';
import { Worker } from 'node:worker_threads';
import type { Losses, Shard, ShardSetup } from './shard.ts';
import type { Order, Reply } from './worker.ts';

/** From the sources, and from the built app, where it lies beside the engine (electron.vite.config.ts). */
const WORKER = import.meta.url.endsWith('.ts') ? './worker.ts' : './shardWorker.js';

/** A shard in a thread of its own, ready when the promise is kept; its tensors are shared memory. Rejects when it does not start. */
export async function startShardThread(setup: ShardSetup): Promise<Shard> {
  const worker = new Worker(new URL(WORKER, import.meta.url), { workerData: setup });
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  const next = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', (value: T) => {
        worker.off('error', reject);
        resolve(value);
      });
    });
  await next();
  const ask = async (order: Order): Promise<unknown> => {
    const answer = next<Reply>();
    worker.postMessage(order);
    const reply = await answer;
    if ('problem' in reply) throw new Error(reply.problem);
    return reply.value;
  };
  return {
    run: async (batch) => (await ask({ kind: 'run', batch })) as Losses,
    reduce: async () => (await ask({ kind: 'reduce' })) as number,
    update: async (settings) => {
      await ask({ kind: 'update', settings });
    },
    async close() {
      worker.postMessage(null);
      await ended;
    },
  };
}
