import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { listCards, updateCard } from '../../main/library/cards.ts';
import { Library } from '../../main/library/library.ts';
import { watchFolders } from '../../main/library/watch.ts';
import { type ModelCard, modelQuerySchema } from '../../preload/models.ts';
import { CHECKPOINT, LORA, SDXL, writeModel } from '../helpers/modelFiles.ts';
import { plainUrls, tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { unexpected } from '../helpers/unexpected.ts';

/** Longer than a change takes to be told on a busy machine. */
const PATIENCE_MS = 30_000;

/** A library that watches a folder by itself; nothing here asks for a scan. */
async function setUp() {
  const root = tempFolder();
  const [own, models] = [join(root, 'own'), join(root, 'models')];
  for (const folder of [own, models]) mkdirSync(folder);
  const db = tempDatabase();
  const library = new Library({
    ...{ db, urls: plainUrls, modelsDir: own, emit: () => undefined, now: () => 1 },
    moveToBin: async (path) => rmSync(path),
    report: unexpected,
    mayHash: () => false,
    watch: true,
  });
  onTestFinished(() => library.close());
  await library.addFolder(models, 'plain');
  const cards = (): ModelCard[] => listCards(db, plainUrls, modelQuerySchema.parse({})).items;
  /** Resolves when the cards are as asked; the last ones are shown when they never are. */
  const become = (expected: readonly object[]) =>
    expect.poll(cards, { timeout: PATIENCE_MS, interval: 50 }).toMatchObject(expected);
  // The watcher lists the folder first; what is written meanwhile counts as there already.
  await wait(500);
  return { root, own, models, db, cards, become };
}

test('a watched folder: files that appear, change, move and vanish show in the library by themselves', async () => {
  const { own, models, db, cards, become } = await setUp();
  const path = join(models, 'a.safetensors');
  writeModel(path, LORA);
  await become([{ name: 'a', type: 'lora', state: 'ready' }]);
  updateCard(db, cards()[0]!.id, { notes: 'mine' });

  writeModel(path, CHECKPOINT);
  utimesSync(path, 5000, 5000);
  await become([{ name: 'a', type: 'checkpoint', notes: 'mine' }]);

  const moved = join(models, 'sub/deep/a.safetensors');
  mkdirSync(join(models, 'sub/deep'), { recursive: true });
  renameSync(path, moved);
  await become([{ path: moved, notes: 'mine', state: 'ready' }]);

  const elsewhere = join(own, 'a.safetensors');
  renameSync(moved, elsewhere);
  await become([{ path: elsewhere, notes: 'mine', state: 'ready' }]);

  rmSync(elsewhere);
  await become([{ name: 'a', notes: 'mine', state: 'missing' }]);

  writeModel(elsewhere, SDXL);
  await become([{ name: 'a', notes: 'mine', state: 'ready', base: 'sdxl' }]);
});

test('a sidecar that appears later brings its triggers; a folder deleted and made again is still watched', async () => {
  const { models, become } = await setUp();
  const folder = join(models, 'loras');
  writeModel(join(folder, 'b.safetensors'), LORA);
  await become([{ name: 'b', triggers: [] }]);
  writeFileSync(join(folder, 'b.json'), JSON.stringify({ 'activation text': 'magic' }));
  await become([{ name: 'b', triggers: ['magic'] }]);
  rmSync(folder, { recursive: true });
  await become([{ name: 'b', state: 'missing' }]);
  writeModel(join(folder, 'c.safetensors'), LORA);
  await become([
    { name: 'b', state: 'missing' },
    { name: 'c', state: 'ready' },
  ]);
});

test('a long copy is told once, after its last piece; folders no longer watched are not told', async () => {
  const root = tempFolder();
  const [first, second] = [join(root, 'first'), join(root, 'second')];
  for (const folder of [first, second]) mkdirSync(folder);
  const told: number[] = [];
  const watcher = watchFolders((id) => told.push(id), unexpected, 400);
  onTestFinished(() => watcher.close());
  watcher.set([
    { id: 1, path: first },
    { id: 2, path: second },
  ]);
  await wait(500);
  for (let piece = 0; piece < 8; piece++) {
    appendFileSync(join(first, 'large.safetensors'), Buffer.alloc(1000));
    await wait(100);
  }
  expect(told).toEqual([]);
  await expect.poll(() => told, { timeout: PATIENCE_MS }).toEqual([1]);
  watcher.set([{ id: 2, path: second }]);
  writeFileSync(join(first, 'other.safetensors'), '');
  await wait(200);
  writeFileSync(join(second, 'other.safetensors'), '');
  await expect.poll(() => told, { timeout: PATIENCE_MS }).toEqual([1, 2]);
});
