/** Conformance of the CLIP tokenizer and of packing to 77 (golden case clip-bpe). */
import { packChunk } from '../../main/pipeline/text/chunks.ts';
import { tokenize } from '../../main/pipeline/text/tokenize.ts';
import { CLIP_L, type ClipTextConfig, OPEN_CLIP_BIG_G } from '../../native-models/models/configs.ts';
import { readCase } from './caseFolder.ts';
import { type Check, checkEqual } from './check.ts';

interface BpeCase {
  /** `hf_ids` where Hugging Face's tokenizer differs from OpenAI's; either is right. */
  readonly prompts: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly hf_ids?: readonly number[];
  }[];
  readonly packed77: readonly {
    readonly text: string;
    readonly sd1: readonly number[];
    readonly sd2_sdxl_g: readonly number[];
  }[];
}

export async function* clipBpe(caseDir: string): AsyncIterable<Check> {
  const golden = readCase<BpeCase>(caseDir);
  for (const { text, ids, hf_ids: hfIds = ids } of golden.prompts) {
    const actual = tokenize(text);
    const name = `ids.${JSON.stringify(text.slice(0, 40))}`;
    const check = checkEqual(name, actual, hfIds);
    yield check.pass ? check : checkEqual(name, actual, ids);
  }
  for (const [i, { text, sd1, sd2_sdxl_g: openClip }] of golden.packed77.entries()) {
    yield checkEqual(`packed77.${i}.sd1`, firstChunk(text, CLIP_L), sd1);
    yield checkEqual(`packed77.${i}.sd2_sdxl_g`, firstChunk(text, OPEN_CLIP_BIG_G), openClip);
  }
}

/** The first 75 tokens between start and end (the case's packed_note). */
function firstChunk(text: string, config: ClipTextConfig): Int32Array {
  const tokens = tokenize(text).slice(0, config.contextLength - 2);
  return packChunk(
    tokens.map((id) => ({ id, word: '', weight: 1 })),
    config,
  ).tokenIds;
}
