import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { Embedder } from '../../main/history/embedder.ts';
import { outboxPath } from '../../main/history/exporting.ts';
import { History } from '../../main/history/history.ts';
import { PictureIndex } from '../../main/history/pictureIndex.ts';
import { findPictures, ftsQuery, readFacets } from '../../main/history/query.ts';
import { encodePixels } from '../../main/images/codec.ts';
import { isPng } from '../../main/images/metadata/pngChunks.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { exportRequestSchema, historyQuerySchema } from '../../preload/history.ts';
import { generationRequestSchema } from '../../preload/request.ts';
import { fillHistory } from '../helpers/generatedHistory.ts';
import { plainUrls, tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { unexpected } from '../helpers/unexpected.ts';

function setUp() {
  const root = tempFolder();
  const db = tempDatabase();
  const folders = {
    pictures: join(root, 'pictures'),
    uploads: join(root, 'uploads'),
    outbox: join(root, 'outbox'),
  };
  for (const path of Object.values(folders)) mkdirSync(path);
  const places = { db, urls: plainUrls, now: () => 1_700_000_000_000, ...folders };
  const embedder = new Embedder({
    ...{
      db,
      pictures: folders.pictures,
      encoder: () => null,
      idle: () => false,
      onProgress: () => undefined,
      report: unexpected,
    },
    run: () => Promise.reject(new Error('no engine here')),
  });
  const history = new History({
    ...{ places, outbox: folders.outbox, embedder, report: unexpected },
    emit: () => undefined,
  });
  return { root, db, history, places, ...folders };
}

const request = (values: object = {}) =>
  generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'm' },
    prompt: 'a castle',
    seed: '5',
    width: 64,
    height: 64,
    ...values,
  });
const pixels = (value: number) => pixelsOf(new Uint8Array(64 * 64 * 3).fill(value), 64, 64, 3);
const save = (history: History, value: number, values: object = {}) =>
  history.save({ pixels: pixels(value), request: request(values), seed: '5', batchIndex: 0, jobId: value });
const query = (values: object) => historyQuerySchema.parse(values);

test('the filters in memory agree with SQL, for every kind of filter', () => {
  const db = tempDatabase();
  fillHistory(db, 3000);
  const index = new PictureIndex(db);
  const sql = (where: string, ...values: (string | number)[]) =>
    db.column<number>(
      `SELECT p.id FROM pictures p JOIN picture_details d ON d.picture_id = p.id WHERE ${where} ORDER BY p.created DESC, p.id DESC`,
      ...values,
    );
  const found = (values: object) => findPictures(db, index, query({ limit: 500, ...values }));
  const cases: [object, number[]][] = [
    [{}, sql('p.deleted = 0')],
    [{ deleted: true }, sql('p.deleted = 1')],
    [{ text: 'castle' }, sql("p.deleted = 0 AND d.prompt LIKE '%castle%'")],
    [{ text: 'Castle RIV' }, sql("p.deleted = 0 AND d.prompt LIKE '%castle%' AND d.prompt LIKE '%riv%'")],
    [{ models: ['model 0', 'model 1'] }, sql("p.deleted = 0 AND p.model IN ('model 0', 'model 1')")],
    [
      { sizes: ['512x768'], samplers: ['ddim'] },
      sql("p.deleted = 0 AND p.size = '512x768' AND p.sampler = 'ddim'"),
    ],
    [
      { loras: ['lora 0'] },
      sql("p.deleted = 0 AND p.id IN (SELECT picture_id FROM picture_loras WHERE name = 'lora 0')"),
    ],
    [{ minRating: 4, kinds: ['inpaint'] }, sql("p.deleted = 0 AND p.rating >= 4 AND p.kind = 'inpaint'")],
    [{ models: ['no such model'] }, []],
  ];
  for (const [filter, ids] of cases) {
    const page = found(filter);
    expect(page.total, JSON.stringify(filter)).toBe(ids.length);
    expect(page.ids).toEqual(ids.slice(0, 500));
  }
  expect(found({ offset: 100, limit: 10 }).ids).toEqual(sql('p.deleted = 0').slice(100, 110));
  expect(found({ sort: 'oldest', limit: 5 }).ids).toEqual(sql('p.deleted = 0').reverse().slice(0, 5));
  const rated = found({ sort: 'rating', limit: 50 }).ids.map(
    (id) => db.value<number>('SELECT rating FROM pictures WHERE id = ?', id)!,
  );
  expect(rated).toEqual([...rated].sort((a, b) => b - a));
  const facets = readFacets(db, index, query({ text: 'castle' }));
  const counted = db.all(
    "SELECT p.model AS value, count(*) AS count FROM pictures p JOIN picture_details d ON d.picture_id = p.id WHERE p.deleted = 0 AND d.prompt LIKE '%castle%' GROUP BY 1 ORDER BY 2 DESC, 1",
  );
  expect(facets.models).toEqual(counted);
  expect(facets.loras.length).toBeGreaterThan(10);
});

test('words are searched as typed: punctuation, quotes and operators are no syntax', () => {
  expect(ftsQuery('  "castle" AND (sea*) -x NEAR/3 ')).toBe('"castle"* "AND"* "sea"* "x"* "NEAR"* "3"*');
  expect(ftsQuery('…!?')).toBeNull();
  const db = tempDatabase();
  fillHistory(db, 50);
  const index = new PictureIndex(db);
  for (const text of ['"', 'a"b', "x' OR 1=1", '日本', '*', 'NOT'])
    expect(() => findPictures(db, index, query({ text }))).not.toThrow();
});

test('rating, deleting, restoring and emptying the bin show at once; files go with the records', async () => {
  const { history, pictures } = setUp();
  const first = await save(history, 1);
  const second = await save(history, 2, { prompt: 'a river' });
  history.rate([first.id], 5);
  expect((await history.page(query({ minRating: 4 }))).items.map(({ id }) => id)).toEqual([first.id]);
  history.setDeleted([first.id], true);
  expect((await history.page(query({}))).items.map(({ id }) => id)).toEqual([second.id]);
  history.setDeleted([first.id], false);
  expect((await history.page(query({}))).total).toBe(2);
  history.setDeleted([first.id], true);
  expect(history.emptyBin(Number.MAX_SAFE_INTEGER)).toBe(1);
  const files = readdirSync(pictures, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  expect(files).toHaveLength(1);
  expect((await history.page(query({ text: 'castle' }))).total).toBe(0);
});

test('the same job saved again after a crash does not double its pictures', async () => {
  const { history } = setUp();
  const first = await save(history, 1);
  const again = await save(history, 1);
  expect(again.id).toBe(first.id);
  expect((await history.page(query({}))).total).toBe(1);
});

test('pictures whose records are lost are read again from themselves, requests and all', async () => {
  const { history, db, places, pictures, outbox } = setUp();
  const saved = await save(history, 3, { prompt: 'a lost castle', steps: 7 });
  const { file } = db.get<{ file: string }>('SELECT file FROM pictures')!;
  const fresh = tempDatabase();
  writeFileSync(join(pictures, 'half.png.part'), 'x');
  writeFileSync(join(pictures, 'broken.png'), 'not a picture');
  const embedder = new Embedder({
    db: fresh,
    pictures,
    run: () => Promise.reject(new Error()),
    encoder: () => null,
    idle: () => false,
    report: unexpected,
    onProgress: () => undefined,
  });
  utimesSync(join(pictures, file), 4e9, 4e9); // written while the clock ran ahead
  const told: string[] = [];
  const rebuilt = new History({
    ...{ places: { ...places, db: fresh }, outbox, embedder },
    emit: () => undefined,
    report: ({ message }, error) => void told.push(`${message} ${error}`),
  });
  expect(await rebuilt.adopt([file, 'broken.png'])).toBe(1);
  expect(told).toEqual([expect.stringMatching(/^A picture that was being saved .+broken\.png/)]);
  const detail = rebuilt.get(1);
  expect(detail).toMatchObject({
    kind: 'text-to-image',
    prompt: 'a lost castle',
    created: places.now(),
    image: saved.image,
    source: 'emulsion',
  });
  expect(detail.request).toMatchObject({ steps: 7, seed: '5', checkpoint: { name: 'm' } });
});

test('a picture that lies in the bin comes back from it when it is imported again, and is one picture still', async () => {
  const { history, root } = setUp();
  const path = join(root, 'photo.png');
  writeFileSync(path, await encodePixels(pixels(12), 'png'));
  const bringIn = async () => {
    const told = [];
    for await (const { imported, skipped } of history.import([path])) told.push({ imported, skipped });
    return told;
  };
  await bringIn();
  const all = async () => (await history.page(query({}))).items.map(({ id }) => id);
  const ids = await all();
  expect(ids).toHaveLength(1);
  history.setDeleted(ids, true);
  expect(await all()).toEqual([]);
  expect(await bringIn()).toEqual([{ imported: 1, skipped: 0 }]);
  expect(await all()).toEqual(ids);
  expect(await bringIn()).toEqual([{ imported: 0, skipped: 1 }]);
});

test('import takes files and folders once, with settings of other tools, and lists missing models and bad files', async () => {
  const { history, root } = setUp();
  const folder = join(root, 'in/sub');
  mkdirSync(folder, { recursive: true });
  const { encodeWithMetadata } = await import('../../main/images/metadata/write.ts');
  writeFileSync(
    join(folder, 'ours.png'),
    await encodeWithMetadata(pixels(9), 'png', {
      request: request({ checkpoint: { name: 'far away' } }),
      batchIndex: 0,
    }),
  );
  writeFileSync(join(folder, 'plain.jpg'), await encodePixels(pixels(10), 'jpeg'));
  writeFileSync(join(folder, 'bad.png'), 'nonsense');
  writeFileSync(join(folder, 'notes.txt'), 'not looked at');
  const told = [];
  for await (const progress of history.import([join(root, 'in')])) told.push(progress);
  expect(told.at(-1)).toMatchObject({
    done: 3,
    total: 3,
    imported: 2,
    skipped: 0,
    failed: [{ file: join(folder, 'bad.png'), error: { message: expect.stringContaining('bad.png') } }],
  });
  for await (const progress of history.import([join(folder, 'ours.png')]))
    expect(progress).toMatchObject({ skipped: 1, imported: 0 });
  const { items } = await history.page(query({ sort: 'oldest' }));
  expect(items.map(({ prompt }) => prompt).sort()).toEqual(['', 'a castle']);
  rmSync(join(root, 'in'), { recursive: true });
  expect(history.get(items[0]!.id).bytes).toBeGreaterThan(0);
});

test('a picture under a wrong name is kept and exported as what it is', async () => {
  const { history, root } = setUp();
  writeFileSync(join(root, 'photo.png'), await encodePixels(pixels(9), 'jpeg'));
  for await (const progress of history.import([join(root, 'photo.png')])) expect(progress.imported).toBe(1);
  expect(history.get(1).fileName).toMatch(/\.jpg$/);
  const exported = async (format: 'png' | 'jpeg') => {
    const request = exportRequestSchema.parse({ ids: [1], directory: root, format });
    const [file] = await history.export(request);
    return readFileSync(file?.path ?? '');
  };
  expect(isPng(await exported('png'))).toBe(true);
  expect((await exported('jpeg')).equals(readFileSync(join(root, 'photo.png')))).toBe(true);
  const kept = await history.keep({ path: join(root, 'photo.png') }, []);
  expect(history.get(kept.id).fileName).toMatch(/\.jpg$/);
});

test('exports at the same time get names of their own', async () => {
  const { history, root } = setUp();
  const { id } = await save(history, 1);
  const request = exportRequestSchema.parse({ ids: [id], directory: root });
  const exported = await Promise.all([1, 2, 3].map(() => history.export(request)));
  expect(new Set(exported.flat().map(({ path }) => path)).size).toBe(3);
});

test('any project name becomes a file name that its URL can say', async () => {
  const root = tempFolder();
  const nameOf = async (name: string) => basename(await outboxPath(root, `${name}.emulsion`));
  expect(await nameOf('a/b: v1.2')).toBe('a_b_ v1.2.emulsion');
  expect(await nameOf('.hidden')).toBe('_hidden.emulsion');
  expect(Buffer.byteLength(await nameOf('𠮷'.repeat(100)))).toBeLessThan(230);
});

test('boards hold pictures without owning them', async () => {
  const { history } = setUp();
  const { id } = await save(history, 1);
  const board = history.createBoard('Best');
  expect(() => history.createBoard('Best')).toThrow(/There is a board "Best" already/);
  history.addToBoard(board.id, [id, 999]);
  expect(history.boards()).toMatchObject([{ name: 'Best', pictures: 1 }]);
  expect((await history.page(query({ boardId: board.id }))).total).toBe(1);
  history.renameBoard(board.id, 'Good');
  history.removeFromBoard(board.id, [id]);
  expect((await history.page(query({ boardId: board.id }))).total).toBe(0);
  history.deleteBoard(board.id);
  expect((await history.page(query({}))).total).toBe(1);
  expect(() => history.deleteBoard(board.id)).toThrow(/no board/);
});
