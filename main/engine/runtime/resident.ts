/**
 * Tensors that stay on the device between runs. ONNX Runtime's Node binding gives outputs as GPU buffers
 * (`preferredOutputLocation`) and takes them as inputs of any session of the same provider, without a copy. It cannot
 * read them back: `getData()` ends the process (1.30), so whoever needs the numbers asks a session for a CPU output.
 */
import { buildGraph, type Graph } from '../../../native-models/graph/build.ts';
import * as ops from '../../../native-models/graph/ops.ts';
import { input } from '../../../native-models/graph/value.ts';
import { createSession, type SessionOptions } from './sessions.ts';
import { sessionsOnDemand } from './sessionsOnDemand.ts';
import { type Feeds, runOne, toOrt } from './tensors.ts';

/** Inputs that many runs share, uploaded once. */
export interface ResidentFeeds {
  /** The same tensors on the device. Those of the last call are kept and given again for the same `feeds`, else freed. */
  of(feeds: Feeds): Promise<Feeds>;
  release(): Promise<void>;
}

/** For the CPU, and for providers whose buffers cannot be kept, `of` gives back what it is given. */
export function residentFeeds(options: SessionOptions): ResidentFeeds {
  if (options.device !== 'webgpu')
    return { of: (feeds) => Promise.resolve(feeds), release: () => Promise.resolve() };
  const copiers = sessionsOnDemand((rank: number) =>
    createSession(copyGraph(rank), { ...options, outputsOnDevice: 'all' }),
  );
  let last: { readonly source: Feeds; readonly copies: Feeds } | undefined;
  const forget = (): void => {
    for (const tensor of Object.values(last?.copies ?? {})) tensor.dispose();
    last = undefined;
  };
  return {
    of: async (feeds) => {
      if (last?.source === feeds) return last.copies;
      forget();
      const copies: Record<string, Feeds[string]> = {};
      for (const [name, x] of Object.entries(feeds))
        copies[name] = toOrt(await runOne(await copiers.get(x.dims.length), { x }, 'y'));
      last = { source: feeds, copies };
      return copies;
    },
    release: async () => {
      forget();
      await copiers.release();
    },
  };
}

/** x → y, equal: a kernel has to run for the output to be its own buffer. */
function copyGraph(rank: number): Graph {
  const x = input(
    'x',
    'float32',
    Array.from({ length: rank }, (_, axis) => `size.${axis}`),
  );
  return buildGraph({ y: ops.mul(x, 1) });
}
