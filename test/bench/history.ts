/**
 * Sections "history" and "meaning": pages, searches and facets of 100 000 made-up pictures, by words and by likeness.
 * In CPU time: all of it is one thread that waits for nothing, so that is what it takes on a machine with nothing else to do.
 */
import { join } from 'node:path';
import { MeaningIndex } from '../../main/history/meaningIndex.ts';
import { PictureIndex } from '../../main/history/pictureIndex.ts';
import { readPictures } from '../../main/history/pictures.ts';
import { findPictures, readFacets } from '../../main/history/query.ts';
import { openDatabase, type WritableDb } from '../../main/storage/database.ts';
import { migrate } from '../../main/storage/migrate.ts';
import { type HistoryQuery, historyQuerySchema } from '../../preload/history.ts';
import { fillHistory } from '../helpers/generatedHistory.ts';
import { randomFraction } from '../helpers/random.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { cpuSecondsInTurns } from './timing.ts';

const PICTURES = 100_000;
const ROUNDS = 9;
/** Any page or search answers within this. */
const GOAL = { atMost: 50 } as const;

/** Reading from SQLite and the index in memory; the window's own work is not in it. */
export async function historyRows({ folder }: BenchContext): Promise<BenchRow[]> {
  const db = openDatabase(join(folder, 'history.db'));
  migrate(db);
  fillHistory(db, PICTURES);
  const rows: BenchRow[] = [];
  const add = async (what: string, run: () => unknown, goal?: BenchRow['goal']): Promise<void> => {
    const value = await milliseconds(run);
    rows.push({ what: `history of 100 000: ${what}`, value, unit: 'ms', ...(goal && { goal }) });
  };
  await add('index loaded at start', () => new PictureIndex(db));
  for (const [what, run] of Object.entries(queries(db, new PictureIndex(db)))) await add(what, run, GOAL);
  db.close();
  return rows;
}

function queries(db: WritableDb, index: PictureIndex): Readonly<Record<string, () => unknown>> {
  const urls = { of: (kind: string, name: string) => `/${kind}/${name}` };
  const query = (values: Partial<HistoryQuery>) => historyQuerySchema.parse(values);
  const page = (values: Partial<HistoryQuery>) => () => {
    const { ids } = findPictures(db, index, query(values));
    return readPictures(db, urls, ids).length;
  };
  return {
    'first page': page({}),
    'page in the middle': page({ offset: PICTURES / 2 }),
    'last page': page({ offset: PICTURES - 3000 }),
    'page by rating': page({ sort: 'rating', offset: 20_000 }),
    'one common word': page({ text: 'castle' }),
    'one common word, deep': page({ text: 'castle', offset: 10_000 }),
    'one letter': page({ text: 'c' }),
    'a word in every picture': page({ text: 'blurry' }),
    'three words': page({ text: 'castle river forest' }),
    'rare word pair': page({ text: 'modern ancient' }),
    'one model': page({ models: ['model 0'] }),
    'model, sampler and size': page({ models: ['model 3'], samplers: ['ddim'], sizes: ['768x768'] }),
    'one LoRA': page({ loras: ['lora 0'] }),
    'words, models and rating': page({ text: 'castle sea', models: ['model 0', 'model 1'], minRating: 3 }),
    'a month': page({ from: Date.UTC(2026, 9, 1), to: Date.UTC(2026, 10, 1) }),
    'facets of everything': () => readFacets(db, index, query({})),
    'facets of a word': () => readFacets(db, index, query({ text: 'castle' })),
    'facets of a model': () => readFacets(db, index, query({ models: ['model 0'] })),
  };
}

/** Embeddings are random unit vectors: nothing clusters, which is the worst case for the sieve of sign bits. */
export async function meaningRows(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const width of [128, 512, 768]) {
    const index = new MeaningIndex(width);
    const fraction = randomFraction(width);
    const vector = (): Float32Array => {
      const values = Float32Array.from({ length: width }, () => fraction() - 0.5);
      const length = Math.hypot(...values);
      return values.map((value) => value / length);
    };
    for (let id = 0; id < PICTURES; id++) index.set(id, vector());
    const value = await milliseconds(() => index.search(vector(), 100, () => true));
    const what = `search by meaning in 100 000, ${width} numbers each`;
    rows.push({ what, value, unit: 'ms', goal: GOAL });
  }
  return rows;
}

async function milliseconds(run: () => unknown): Promise<number> {
  return (await cpuSecondsInTurns({ run }, ROUNDS)).run * 1000;
}
