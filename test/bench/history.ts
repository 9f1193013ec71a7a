/** Bench of the history at 100 000 pictures: prints the median and worst time of each page, search and facet. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PictureIndex } from '../../main/history/pictureIndex.ts';
import { readPictures } from '../../main/history/pictures.ts';
import { findPictures, readFacets } from '../../main/history/query.ts';
import { openDatabase } from '../../main/storage/database.ts';
import { migrate } from '../../main/storage/migrate.ts';
import { type HistoryQuery, historyQuerySchema } from '../../preload/history.ts';
import { fillHistory } from '../helpers/generatedHistory.ts';

const COUNT = Number(process.argv[2] ?? 100_000);
const folder = mkdtempSync(join(tmpdir(), 'emulsion-bench-'));
const db = openDatabase(join(folder, 'bench.db'));
migrate(db);
const started = performance.now();
fillHistory(db, COUNT);
console.log(`${COUNT} pictures written in ${((performance.now() - started) / 1000).toFixed(1)} s`);

const loading = performance.now();
const index = new PictureIndex(db);
console.log(`index loaded in ${(performance.now() - loading).toFixed(0)} ms`);
const urls = { of: (kind: string, name: string) => `/${kind}/${name}` };
const query = (values: Partial<HistoryQuery>) => historyQuerySchema.parse(values);
const page = (values: Partial<HistoryQuery>) => () => {
  const { ids } = findPictures(db, index, query(values));
  return readPictures(db, urls, ids).length;
};
const cases: Record<string, () => unknown> = {
  'first page': page({}),
  'page in the middle': page({ offset: COUNT / 2 }),
  'last page': page({ offset: COUNT - 3000 }),
  'page by rating': page({ sort: 'rating', offset: 20_000 }),
  'one common word': page({ text: 'castle' }),
  'one common word, deep': page({ text: 'castle', offset: 10_000 }),
  'one letter': page({ text: 'c' }),
  'a word in every picture': page({ text: 'blurry' }),
  'three words': page({ text: 'castle river forest' }),
  'rare word pair': page({ text: 'modern ancient' }),
  'one model': page({ models: ['model 0'] }),
  'model + sampler + size': page({ models: ['model 3'], samplers: ['ddim'], sizes: ['768x768'] }),
  'one LoRA': page({ loras: ['lora 0'] }),
  'words + model + rating': page({ text: 'castle sea', models: ['model 0', 'model 1'], minRating: 3 }),
  'a month': page({ from: Date.UTC(2026, 9, 1), to: Date.UTC(2026, 10, 1) }),
  'facets of everything': () => readFacets(db, index, query({})),
  'facets of a word': () => readFacets(db, index, query({ text: 'castle' })),
  'facets of a model': () => readFacets(db, index, query({ models: ['model 0'] })),
};
for (const [name, run] of Object.entries(cases)) {
  const times = Array.from({ length: 9 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  }).sort((a, b) => a - b);
  console.log(
    `${name.padEnd(28)} median ${times[4]!.toFixed(1).padStart(7)} ms   worst ${times[8]!.toFixed(1).padStart(7)} ms`,
  );
}
db.close();
rmSync(folder, { recursive: true });
