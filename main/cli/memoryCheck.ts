/** Whether a picture fits into memory, said before anything is loaded: by the plan of the queue, without what that has measured. */
import { statSync } from 'node:fs';
import { availableMemory } from 'node:process';
import type { GenerationRequest } from '../../preload/request.ts';
import type { MemoryMode } from '../engine/border/protocol.ts';
import { totalMemory } from '../jobs/memoryWatch.ts';
import {
  chooseWay,
  estimatedBytes,
  largestFitting,
  type MemorySource,
  parametersIn,
  refuseImpossible,
  remarkOnMemory,
} from '../jobs/memoryWays.ts';
import { inspectModel } from '../library/inspect.ts';

/** A remark where it may not fit. Throws a StudioError where it cannot. */
export function checkMemory(request: GenerationRequest, wanted: MemoryMode): string | undefined {
  const source = estimatesFor(request.checkpoint.path);
  const now = { available: availableMemory(), wanted };
  refuseImpossible(source, request, now, totalMemory());
  const choice = chooseWay(source, request, now);
  return choice.verdict === 'too-large'
    ? remarkOnMemory(choice, largestFitting(source, request, now))
    : undefined;
}

/** A file that is none is for the engine to name. */
function estimatesFor(checkpoint: string | undefined): MemorySource {
  const stats = checkpoint === undefined ? undefined : statSync(checkpoint, { throwIfNoEntry: false });
  const parameters =
    checkpoint !== undefined && stats?.isFile()
      ? parametersIn(stats.size, inspectModel(checkpoint).dtype)
      : 0;
  return {
    needed: (job, way) => estimatedBytes(job, parameters, way),
    parameters: () => parameters,
  };
}
