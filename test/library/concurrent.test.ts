/** Models that come and go at the same moment, and files of other programs beside them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { listCards } from '../../main/library/cards.ts';
import { takeIn } from '../../main/library/importing.ts';
import { Library } from '../../main/library/library.ts';
import { writeSidecar } from '../../main/library/sidecars.ts';
import { modelQuerySchema } from '../../preload/models.ts';
import { LORA, writeModel } from '../helpers/modelFiles.ts';
import { plainUrls, tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { unexpected } from '../helpers/unexpected.ts';

async function setUp() {
  const root = tempFolder();
  const own = join(root, 'own');
  mkdirSync(own);
  const db = tempDatabase();
  const library = new Library({
    ...{ db, urls: plainUrls, modelsDir: own, emit: () => undefined, now: () => 1, report: unexpected },
    moveToBin: async (path) => rmSync(path),
    mayHash: () => false,
    watch: false,
  });
  onTestFinished(() => library.close());
  writeModel(join(own, 'a.safetensors'), LORA);
  await library.rescan();
  const cards = () => listCards(db, plainUrls, modelQuerySchema.parse({})).items;
  return { root, own, library, cards };
}

test.each(['move', 'copy'] as const)(
  'files called alike that arrive at once (%s) keep their contents',
  async (how) => {
    const root = tempFolder();
    const sources = Array.from({ length: 6 }, (_, i) => join(root, String(i), 'same.safetensors'));
    for (const [i, source] of sources.entries()) {
      mkdirSync(join(source, '..'));
      writeFileSync(source, `contents ${i}`);
    }
    const targets = await Promise.all(
      sources.map((source) => takeIn(source, how, 'lora', join(root, 'models'))),
    );
    expect(new Set(targets).size).toBe(6);
    expect(targets.map((target) => readFileSync(target, 'utf8'))).toEqual(
      sources.map((_, i) => `contents ${i}`),
    );
  },
);

test('a model that is deleted twice at once, or whose file is gone, is deleted', async () => {
  const { own, library, cards } = await setUp();
  const { id, path } = cards()[0]!;
  const twice = await Promise.allSettled([library.delete(id), library.delete(id)]);
  expect(twice.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  writeModel(path, LORA);
  await library.rescan();
  rmSync(path);
  await library.delete(cards()[0]!.id);
  expect([cards(), readdirSync(own)]).toEqual([[], []]);
});

test('what another program keeps beside a model is added to, never lost', async () => {
  const { own, cards } = await setUp();
  const [card] = cards();
  const file = join(own, 'a.json');
  writeFileSync(file, JSON.stringify({ theirs: 1 }));
  expect(writeSidecar(card!)).toBe(file);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
    theirs: 1,
    'sd version': expect.any(String),
  });
  for (const text of ['{"theirs": 1, cut', '[1, 2]']) {
    writeFileSync(file, text);
    expect(() => writeSidecar(card!)).toThrow('a.json holds something other than settings.');
    expect(readFileSync(file, 'utf8')).toBe(text);
  }
});
