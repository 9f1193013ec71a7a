/** The job "hint": shows what a ControlNet would see, at the size of the source. */
import type { EngineJob, EngineResult } from '../border/protocol.ts';
import { hintOf } from '../conditions/hints.ts';
import type { JobContext } from './context.ts';
import { readPicture } from './requestFiles.ts';

/** Throws EngineError for a preprocessor that is unknown or fails, PictureError for a file that is no picture. */
export async function makeHint(
  { image, preprocessor, options }: Extract<EngineJob, { kind: 'hint' }>,
  { signal }: JobContext,
): Promise<EngineResult> {
  const start = performance.now();
  const source = await readPicture({ path: image }, 'image');
  signal.throwIfAborted();
  const hint = await hintOf(source, preprocessor, options);
  const seconds = (performance.now() - start) / 1000;
  return { kind: 'images', images: [hint], seeds: [], notes: [], timings: { hint: seconds } };
}
