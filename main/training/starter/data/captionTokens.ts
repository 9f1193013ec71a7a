/** Captions as rows of token ids: start, words, end, then the padding the text encoder was made for. */
import { tokenize } from '../../../pipeline/text/tokenize.ts';
import { STARTER_TEXT } from '../models.ts';

const START_ID = STARTER_TEXT.vocabSize - 2;
const END_ID = STARTER_TEXT.vocabSize - 1;

/** [captions.length, length] ids; words beyond the length are cut off. */
export function captionTokens(captions: readonly string[], length: number): BigInt64Array<ArrayBuffer> {
  const rows = new BigInt64Array(captions.length * length).fill(BigInt(END_ID));
  for (const [row, caption] of captions.entries()) {
    const words = tokenize(caption).slice(0, length - 2);
    rows[row * length] = BigInt(START_ID);
    for (const [i, id] of words.entries()) rows[row * length + 1 + i] = BigInt(id);
  }
  return rows;
}
