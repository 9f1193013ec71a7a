import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cardsWhere, listCards, readDetail, updateCard } from '../../main/library/cards.ts';
import { Library } from '../../main/library/library.ts';
import { resolveModel } from '../../main/library/resolve.ts';
import { modelQuerySchema } from '../../preload/models.ts';
import type { StudioEvent } from '../../preload/studio.ts';
import { CHECKPOINT, LORA, SDXL, UPSCALER, writeModel } from '../helpers/modelFiles.ts';
import { plainUrls, tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { unexpected } from '../helpers/unexpected.ts';

function setUp() {
  const root = tempFolder();
  const db = tempDatabase();
  const events: StudioEvent[] = [];
  const binned: string[] = [];
  mkdirSync(join(root, 'own'));
  mkdirSync(join(root, 'models'));
  const library = new Library({
    db,
    urls: plainUrls,
    modelsDir: join(root, 'own'),
    emit: (event) => events.push(event),
    moveToBin: async (path) => {
      binned.push(path);
      rmSync(path);
    },
    now: () => 1000,
    report: unexpected,
    mayHash: () => false,
    watch: false,
  });
  const cards = () => listCards(db, plainUrls, modelQuerySchema.parse({})).items;
  return { root, models: join(root, 'models'), db, library, events, binned, cards };
}

test('types, bases and dtypes come from the headers; broken and unknown files stay with their reason', async () => {
  const { models, library, cards } = setUp();
  writeModel(join(models, 'sub/base.safetensors'), CHECKPOINT);
  writeModel(join(models, 'xl.safetensors'), SDXL);
  writeModel(join(models, 'style.safetensors'), LORA);
  writeModel(join(models, 'up.safetensors'), UPSCALER);
  writeModel(join(models, 'strange.safetensors'), {
    'some.tensor': [3, 1, 2, 2],
    'other.tensor': [3, 1, 2, 2],
  });
  writeFileSync(join(models, 'page.safetensors'), '<html>not found</html>');
  writeFileSync(join(models, 'readme.txt'), 'hello');
  const [folder] = await library.addFolder(models, 'auto');
  expect(folder).toMatchObject({ layout: 'plain', models: 6 });
  const byName = Object.fromEntries(cards().map((card) => [card.name, card]));
  expect(byName['base']).toMatchObject({
    type: 'checkpoint',
    base: 'sd15',
    variant: 'normal',
    dtype: 'F16',
    state: 'ready',
  });
  expect(byName['xl']).toMatchObject({ type: 'checkpoint', base: 'sdxl' });
  expect(byName['style']).toMatchObject({ type: 'lora', base: 'sd15' });
  expect(byName['up']).toMatchObject({ type: 'upscaler' });
  expect(byName['strange']).toMatchObject({
    type: 'unknown',
    reason: expect.stringContaining('some.tensor'),
  });
  expect(byName['page']).toMatchObject({ state: 'broken', reason: expect.stringContaining('web page') });
});

test('a second scan reads only what changed; a vanished file is kept as missing; a moved one keeps its notes', async () => {
  const { models, library, db, cards } = setUp();
  writeModel(join(models, 'a.safetensors'), LORA);
  writeModel(join(models, 'b.safetensors'), CHECKPOINT);
  await library.addFolder(models, 'plain');
  expect(await library.rescan()).toMatchObject({ added: 0, changed: 0, missing: 0 });
  const [a, b] = cards();
  updateCard(db, a!.id, { notes: 'mine', tags: ['soft'], triggers: ['word'], defaults: { weight: 0.7 } });
  mkdirSync(join(models, 'moved'));
  renameSync(join(models, 'a.safetensors'), join(models, 'moved/a.safetensors'));
  writeModel(join(models, 'b.safetensors'), SDXL);
  utimesSync(join(models, 'b.safetensors'), 5000, 5000);
  expect(await library.rescan()).toMatchObject({ added: 0, changed: 2, missing: 1 });
  expect(cards()).toMatchObject([
    {
      id: a!.id,
      path: join(models, 'moved/a.safetensors'),
      notes: 'mine',
      tags: ['soft'],
      triggers: ['word'],
      defaults: { weight: 0.7 },
      state: 'ready',
    },
    { id: b!.id, base: 'sdxl' },
  ]);
  rmSync(join(models, 'b.safetensors'));
  expect(await library.rescan()).toMatchObject({ missing: 1 });
  expect(cards()[1]).toMatchObject({ state: 'missing', reason: expect.stringContaining('gone') });
});

test('linked folders are followed once, and a folder added twice is one', async () => {
  const { models, library, cards } = setUp();
  writeModel(join(models, 'real/a.safetensors'), LORA);
  symlinkSync(join(models, 'real'), join(models, 'link'));
  symlinkSync(models, join(models, 'real/loop'));
  await library.addFolder(models, 'plain');
  await library.addFolder(models, 'plain');
  expect(cards()).toHaveLength(1);
  expect(library.folders()).toHaveLength(2);
});

test('a file recommends settings for itself; what is no setting is passed over', async () => {
  const { models, library, db, cards } = setUp();
  const stated = (defaults: string) => ({ 'emulsion.defaults': defaults });
  writeModel(join(models, 'a.safetensors'), CHECKPOINT, stated('{"steps":20,"guidanceScale":4,"width":128}'));
  writeModel(join(models, 'b.safetensors'), CHECKPOINT, stated('{"steps":-3}'), 1);
  writeModel(join(models, 'c.safetensors'), CHECKPOINT, stated('no JSON'), 2);
  writeFileSync(join(models, 'a.json'), JSON.stringify({ 'negative text': 'blur' }));
  await library.addFolder(models, 'plain');
  const [a, b, c] = cards();
  expect(a!.defaults).toEqual({ steps: 20, guidanceScale: 4, width: 128, negativePrompt: 'blur' });
  expect([b!.defaults, c!.defaults]).toEqual([{}, {}]);
  updateCard(db, a!.id, { defaults: { steps: 9 } });
  writeModel(join(models, 'a.safetensors'), CHECKPOINT, stated('{"steps":30}'), 3);
  await library.rescan();
  expect(cards()[0]!.defaults).toEqual({ steps: 9 });
});

test('sidecars and training tags give preview, triggers, weight and description', async () => {
  const { models, library, db, cards } = setUp();
  writeModel(join(models, 'kohya.safetensors'), LORA, {
    ss_tag_frequency: JSON.stringify({ '10_x': { sks: 20, dog: 20, grass: 5 } }),
    ss_num_train_images: '20',
  });
  writeModel(join(models, 'civitai.safetensors'), LORA, {}, 1);
  writeFileSync(
    join(models, 'civitai.civitai.info'),
    JSON.stringify({
      trainedWords: ['one, two'],
      description: '<p>A &amp; B</p>',
      model: { name: 'Fine LoRA' },
    }),
  );
  writeFileSync(join(models, 'civitai.preview.png'), 'x');
  writeFileSync(join(models, 'kohya.json'), JSON.stringify({ 'preferred weight': 0.8, notes: 'from a1111' }));
  await library.addFolder(models, 'plain');
  const [civitai, kohya] = cards();
  expect(civitai).toMatchObject({
    name: 'Fine LoRA',
    triggers: ['one', 'two'],
    triggersGuessed: false,
    previewUrl: `/files/model/${civitai!.id}`,
  });
  expect(readDetail(db, plainUrls, civitai!.id).description).toBe('A & B');
  expect(kohya).toMatchObject({
    triggers: ['dog', 'sks'],
    triggersGuessed: true,
    defaults: { weight: 0.8 },
    notes: 'from a1111',
  });
  expect(readDetail(db, plainUrls, kohya!.id).tagFrequency).toEqual([
    { tag: 'dog', count: 20 },
    { tag: 'sks', count: 20 },
    { tag: 'grass', count: 5 },
  ]);
});

test('hashes find duplicates and resolve requests of other tools by short hash, path and name', async () => {
  const { models, library, db, cards } = setUp();
  writeModel(join(models, 'one.safetensors'), LORA, {}, 7);
  writeModel(join(models, 'same tensors.safetensors'), LORA, { note: 'other header' }, 7);
  writeModel(join(models, 'other.safetensors'), LORA, {}, 8);
  await library.addFolder(models, 'plain');
  const { createHasher } = await import('../../main/library/hashing.ts');
  const hashed: number[] = [];
  await createHasher(db, (id) => hashed.push(id), unexpected).run();
  expect(hashed).toHaveLength(3);
  expect(library.duplicates().map((group) => group.map(({ name }) => name))).toEqual([
    ['one', 'same tensors'],
  ]);
  const one = cards().find(({ name }) => name === 'one')!;
  expect(resolveModel(db, { name: 'renamed' }, one.autoV3!.toUpperCase())?.id).toBe(one.id);
  expect(resolveModel(db, { name: 'renamed' }, one.autoV2!)?.id).toBe(one.id);
  expect(resolveModel(db, { name: 'sub\\ONE.safetensors' })?.id).toBe(one.id);
  expect(resolveModel(db, { name: 'one' })?.id).toBe(one.id);
  expect(resolveModel(db, { name: 'o_e' })).toBeUndefined();
  expect(readDetail(db, plainUrls, one.id).duplicates).toHaveLength(1);
});

test('of models with one name, the one of the kind that is looked for is found', async () => {
  const { models, library, db } = setUp();
  writeModel(join(models, 'a/same.safetensors'), CHECKPOINT);
  writeModel(join(models, 'b/same.safetensors'), LORA);
  await library.addFolder(models, 'plain');
  const kind = (type?: 'lora' | 'checkpoint') => resolveModel(db, { name: 'same' }, undefined, type)?.type;
  expect([kind('lora'), kind('checkpoint'), kind()]).toEqual(['lora', 'checkpoint', 'checkpoint']);
});

test('lists filter by type, words, tags and what fits a checkpoint', async () => {
  const { models, library, db, cards } = setUp();
  writeModel(join(models, 'ck.safetensors'), CHECKPOINT);
  writeModel(join(models, 'xl.safetensors'), SDXL);
  writeModel(join(models, 'style 50%.safetensors'), LORA);
  await library.addFolder(models, 'plain');
  const id = (name: string) => cards().find((card) => card.name === name)!.id;
  updateCard(db, id('style 50%'), { tags: ['ink'] });
  const names = (query: object) =>
    listCards(db, plainUrls, modelQuerySchema.parse(query)).items.map(({ name }) => name);
  expect(names({ types: ['lora'], fitsCheckpoint: id('ck') })).toEqual(['style 50%']);
  expect(names({ types: ['lora'], fitsCheckpoint: id('xl') })).toEqual([]);
  expect(names({ text: '50%' })).toEqual(['style 50%']);
  expect(names({ tags: ['ink'] })).toEqual(['style 50%']);
  expect(names({ sort: 'size', limit: 1 })).toHaveLength(1);
});

test('a file is copied or moved into the library under a free name, or used where it lies; deleting goes to the bin', async () => {
  const { root, db, library, binned } = setUp();
  writeModel(join(root, 'in/l.safetensors'), LORA);
  expect(library.inspect(join(root, 'in/l.safetensors'))).toMatchObject({
    type: 'lora',
    base: 'sd15',
    known: null,
  });
  const copied = await library.import(join(root, 'in/l.safetensors'), 'copy');
  const moved = await library.import(join(root, 'in/l.safetensors'), 'move');
  expect(copied.path).toBe(join(root, 'own/loras/l.safetensors'));
  expect(moved.path).toBe(join(root, 'own/loras/l (2).safetensors'));
  await library.delete(moved.id);
  expect(binned).toEqual([moved.path]);
  expect(cardsWhere(db, plainUrls, 'm.id = ?', moved.id)).toEqual([]);
  await expect(library.import(join(root, 'in/none.safetensors'), 'copy')).rejects.toThrow(/no such file/);
});

test('a thousand headers are scanned in seconds, with progress', async () => {
  const { models, library, events } = setUp();
  for (let i = 0; i < 1000; i++) writeModel(join(models, `${i % 10}/m${i}.safetensors`), LORA);
  await library.addFolder(models, 'plain');
  const { milliseconds } = await library.rescan();
  expect(milliseconds).toBeLessThan(5000);
  const scans = events.filter((event) => event.type === 'scan').map((event) => event.scan);
  expect(scans.filter(({ phase, total }) => phase === 'read' && total === 1000).length).toBeGreaterThan(10);
  expect(scans.at(-1)).toMatchObject({ phase: 'done', done: 1000 });
});
