/** Thread entry: one shard, driven by messages. A batch in, its losses out; `null` ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Batch, type Losses, openShard, type ShardSetup } from './shard.ts';

/** The answer to a batch. */
export type Reply = { readonly losses: Losses } | { readonly problem: string };

const port = parentPort!;
const shard = await openShard(workerData as ShardSetup);
const answer = (reply: Reply): void => port.postMessage(reply);

port.on('message', (batch: Batch | null) => {
  if (batch) {
    shard.run(batch).then(
      (losses) => answer({ losses }),
      (error: Error) => answer({ problem: error.message }),
    );
    return;
  }
  // A thread stopped from outside while the engine runs would take the process along, so it ends itself.
  port.close();
  void shard.close();
});
port.postMessage('ready');
