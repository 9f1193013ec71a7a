/** Finding pictures: words by FTS5, filters, order, pages and facets by one pass over the picture index. */
import type { HistoryFacets, HistoryFilter, HistoryQuery } from '../../preload/history.ts';
import type { ReadableDb } from '../storage/database.ts';
import type { Dictionary, FacetColumn, PictureIndex } from './pictureIndex.ts';

type Test = (slot: number) => boolean;

/** Ids of one page in order, and how many match in all. */
export function findPictures(db: ReadableDb, index: PictureIndex, query: HistoryQuery) {
  const slots = matchingSlots(db, index, query);
  if (query.sort !== 'oldest') slots.reverse();
  if (query.sort === 'rating') {
    const { rating } = index.columns;
    slots.sort((a, b) => rating[b]! - rating[a]!);
  }
  const page = slots.slice(query.offset, query.offset + query.limit);
  return { ids: Array.from(page, (slot) => index.columns.id[slot]!), total: slots.length };
}

/** Slots that pass the filter, oldest first. */
export function matchingSlots(db: ReadableDb, index: PictureIndex, filter: HistoryFilter): Int32Array {
  const tests = testsOf(db, index, filter);
  return index.order().filter((slot) => tests.every((test) => test(slot)));
}

/** Values to filter by with their counts, most frequent first (ratings and months: highest first). */
export function readFacets(db: ReadableDb, index: PictureIndex, filter: HistoryFilter): HistoryFacets {
  const slots = matchingSlots(db, index, filter);
  const { columns, dictionaries } = index;
  const facet = (name: FacetColumn) =>
    counted(dictionaries[name], (add) => {
      const codes = columns[name];
      for (const slot of slots) add(codes[slot]!);
    });
  const ratings = new Array<number>(6).fill(0);
  for (const slot of slots) ratings[columns.rating[slot]!]! += 1;
  return {
    models: facet('model'),
    samplers: facet('sampler'),
    sizes: facet('size'),
    kinds: facet('kind'),
    months: facet('month').sort((a, b) => (a.value < b.value ? 1 : -1)),
    ratings: ratings
      .map((count, rating) => ({ value: String(rating), count }))
      .filter(({ count }) => count > 0)
      .reverse(),
    loras: counted(dictionaries.lora, (add) => {
      for (const slot of slots) for (const code of index.lorasOf(slot)) add(code);
    }),
  };
}

function counted({ texts }: Dictionary, visit: (add: (code: number) => void) => void) {
  const counts = new Int32Array(texts.length);
  visit((code) => {
    counts[code]! += 1;
  });
  return texts
    .map((value, code) => ({ value, count: counts[code]! }))
    .filter(({ value, count }) => count > 0 && value !== '')
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}

/** One test per given part of the filter, the most selective kind first. */
function testsOf(db: ReadableDb, index: PictureIndex, filter: HistoryFilter): Test[] {
  const { columns, dictionaries } = index;
  const tests: Test[] = [];
  const words = ftsQuery(filter.text);
  if (words !== null) {
    tests.push(
      idTest(index, db.column('SELECT rowid FROM pictures_text WHERE pictures_text MATCH ?', words)),
    );
  }
  if (filter.boardId !== undefined) {
    tests.push(
      idTest(index, db.column('SELECT picture_id FROM board_pictures WHERE board_id = ?', filter.boardId)),
    );
  }
  const deleted = filter.deleted ? 1 : 0;
  tests.push((slot) => columns.deleted[slot] === deleted);
  const oneOf = (name: FacetColumn, values: readonly string[]) => {
    if (values.length === 0) return;
    const codes = new Set(values.map((value) => dictionaries[name].codes.get(value)));
    tests.push((slot) => codes.has(columns[name][slot]));
  };
  oneOf('model', filter.models);
  oneOf('sampler', filter.samplers);
  oneOf('size', filter.sizes);
  oneOf('kind', filter.kinds);
  for (const name of filter.loras) {
    const code = dictionaries.lora.codes.get(name) ?? -1;
    tests.push((slot) => index.lorasOf(slot).includes(code));
  }
  const { from = -Infinity, to = Infinity, minRating } = filter;
  if (from !== -Infinity || to !== Infinity) {
    tests.push((slot) => columns.created[slot]! >= from && columns.created[slot]! < to);
  }
  if (minRating > 0) tests.push((slot) => columns.rating[slot]! >= minRating);
  return tests;
}

/** Tests membership in a list of picture ids. */
export function idTest(index: PictureIndex, ids: readonly number[]): Test {
  const marked = new Uint8Array(index.size);
  for (const id of ids) {
    const slot = index.slotOf(id);
    if (slot !== undefined) marked[slot] = 1;
  }
  return (slot) => marked[slot] === 1;
}

/** Every word must occur; each may be unfinished. Null for a text without words. */
export function ftsQuery(text: string): string | null {
  const words = text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  if (words.length === 0) return null;
  return words
    .slice(0, 32)
    .map((word) => `"${word}"*`)
    .join(' ');
}
