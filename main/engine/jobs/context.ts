/** What a job is given besides its request. */
import type { EngineProgress, EngineSettings } from '../border/protocol.ts';

/** How a job is run, whom it tells, and what ends it. */
export interface JobContext {
  readonly settings: EngineSettings;
  readonly onProgress: (progress: EngineProgress) => void;
  readonly signal: AbortSignal;
}
