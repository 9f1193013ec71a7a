/** The text encoder of the checkpoint that several cases share, run by the engine's own sessions. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { textModel } from '../../main/engine/networks/textModel.ts';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import type { TextModel } from '../../main/pipeline/text/textModel.ts';
import { compileClipText } from '../../native-models/compile.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { clipConfigOf, type HfClipText } from './ldmConfigs.ts';

/** The text encoders of a checkpoint, and what frees them. */
export interface OpenTextModels {
  readonly models: readonly TextModel[];
  release(): Promise<void>;
}

/** Opens an SD 1.x `checkpoint` whose sizes stand in shared.json beside it. */
export async function openSharedTextModel(checkpoint: string): Promise<OpenTextModels> {
  const shared = JSON.parse(readFileSync(join(dirname(checkpoint), 'shared.json'), 'utf8')) as {
    config: { clip: HfClipText };
  };
  const config = clipConfigOf(shared.config.clip);
  const source = fileParameters(checkpoint, canonicalTensors(openSafetensors(checkpoint), 'clipL'));
  const session = await createSession(compileClipText(source, config, { flavour: 'cpu' }).graph);
  return { models: [textModel(config, async () => session)], release: () => session.release() };
}
