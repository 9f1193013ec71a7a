/** Thread entry: one shard, driven by messages; each gets one answer. `null` ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Batch, openShard, type Shard, type ShardSetup } from './shard.ts';
import type { UpdateSettings } from './update.ts';

export type Order =
  | { readonly kind: 'run'; readonly batch: Batch }
  | { readonly kind: 'reduce' }
  | { readonly kind: 'update'; readonly settings: UpdateSettings };
export type Reply = { readonly value: unknown } | { readonly problem: string };

const port = parentPort!;
const shard = await openShard(workerData as ShardSetup);

port.on('message', (order: Order | null) => {
  if (order) {
    execute(shard, order).then(
      (value) => port.postMessage({ value }),
      (error: Error) => port.postMessage({ problem: error.message }),
    );
    return;
  }
  // A thread stopped from outside while the engine runs would take the process along, so it ends itself.
  port.close();
  void shard.close();
});
port.postMessage('ready');

function execute(target: Shard, order: Order): Promise<unknown> {
  if (order.kind === 'run') return target.run(order.batch);
  return order.kind === 'reduce' ? target.reduce() : target.update(order.settings);
}
