import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listCards } from '../../main/library/cards.ts';
import { createHasher } from '../../main/library/hashing.ts';
import { Library } from '../../main/library/library.ts';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { readTensor } from '../../native-models/weights/tensors.ts';
import { modelQuerySchema } from '../../preload/models.ts';
import { CHECKPOINT, LORA, UPSCALER } from '../helpers/modelFiles.ts';
import { startStudio } from '../helpers/studio.ts';
import { plainUrls, tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { TINY_CHECKPOINT, tinyRequest } from '../helpers/tinyModel.ts';
import {
  type Node,
  orderedDict,
  type TorchEntry,
  tensor,
  torchArchive,
  torchLegacy,
  torchStateDict,
} from '../helpers/torchFiles.ts';
import { unexpected } from '../helpers/unexpected.ts';

/** F16 zeros of these shapes. */
function zeros(shapes: Readonly<Record<string, readonly number[]>>): ReadonlyMap<string, TorchEntry> {
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const bytes = new Uint8Array(2 * shape.reduce((product, dim) => product * dim, 1));
      return [name, { dtype: 'F16', shape, bytes }];
    }),
  );
}

/** A torch archive, its state dict below `wrapper` beside training state. */
function archive(shapes: Readonly<Record<string, readonly number[]>>, wrapper?: string): Uint8Array {
  const { root, storages } = torchStateDict(zeros(shapes));
  if (wrapper === undefined) return torchArchive(root, storages);
  return torchArchive(
    {
      dict: [
        ['global_step', 470_000],
        [wrapper, root],
      ],
    },
    storages,
  );
}

/** A textual inversion as A1111 trains it, in the format of torch before 1.6. */
function inversion(): Uint8Array {
  const vector = tensor({ key: '0', length: 2 * 768, shape: [2, 768] });
  const root: Node = {
    dict: [
      ['string_to_param', orderedDict([['*', vector]])],
      ['name', 'thing'],
    ],
  };
  return torchLegacy(root, [{ key: '0', length: 2 * 768, bytes: new Uint8Array(4 * 2 * 768) }]);
}

test('checkpoints, LoRAs, upscalers and embeddings from torch have their kind, base and hash; programs are refused by name', async () => {
  const root = tempFolder();
  const [own, models] = [join(root, 'own'), join(root, 'models')];
  for (const folder of [own, models]) mkdirSync(folder);
  const write = (name: string, bytes: Uint8Array) => writeFileSync(join(models, name), bytes);
  write('base.ckpt', archive(CHECKPOINT, 'state_dict'));
  write('style.pt', archive(LORA));
  write('up.pth', archive(UPSCALER, 'params_ema'));
  write('thing.pt', inversion());
  write('same.bin', archive(LORA));
  write('evil.ckpt', torchArchive({ call: { global: 'posix system' }, args: ['true'] }, {}));
  write('cut.ckpt', archive(CHECKPOINT, 'state_dict').subarray(0, 900));
  write('page.pt', new TextEncoder().encode('<html>not found</html>'));
  const db = tempDatabase();
  const library = new Library({
    ...{ db, urls: plainUrls, modelsDir: own, emit: () => undefined, now: () => 1 },
    moveToBin: async (path) => rmSync(path),
    report: unexpected,
    mayHash: () => false,
    watch: false,
  });
  await library.addFolder(models, 'plain');
  await createHasher(db, () => undefined, unexpected).run();
  const cards = Object.fromEntries(
    listCards(db, plainUrls, modelQuerySchema.parse({})).items.map((card) => [card.fileName, card]),
  );
  expect(cards['base.ckpt']).toMatchObject({
    ...{ type: 'checkpoint', base: 'sd15', variant: 'normal', dtype: 'F16', state: 'ready', reason: '' },
    ...{ sha256: expect.stringMatching(/^[0-9a-f]{64}$/), autoV3: null },
  });
  expect(cards['style.pt']).toMatchObject({ type: 'lora', base: 'sd15', state: 'ready' });
  expect(cards['up.pth']).toMatchObject({ type: 'upscaler', variant: 'rrdb', state: 'ready' });
  expect(cards['thing.pt']).toMatchObject({ type: 'embedding', base: 'sd15', state: 'ready' });
  expect(cards['evil.ckpt']).toMatchObject({
    state: 'broken',
    reason: expect.stringContaining('posix.system'),
  });
  expect(cards['cut.ckpt']).toMatchObject({ state: 'broken', sha256: null });
  expect(cards['page.pt']).toMatchObject({ state: 'broken', reason: expect.stringContaining('web page') });
  expect(library.duplicates().map((group) => group.map(({ fileName }) => fileName))).toEqual([
    ['same.bin', 'style.pt'],
  ]);
});

test('a .ckpt paints the same picture as the .safetensors with its tensors', {
  timeout: 240_000,
}, async () => {
  const studio = await startStudio();
  const { client, settled, root } = studio;
  const { tensors } = openSafetensors(TINY_CHECKPOINT);
  const entries = new Map(
    [...tensors].map(([name, info]) => [
      name,
      { dtype: info.dtype, shape: info.shape, bytes: readTensor(info) },
    ]),
  );
  const { root: state, storages } = torchStateDict(entries);
  writeFileSync(
    join(root, 'data/models/checkpoints/pickled.ckpt'),
    torchArchive({ dict: [['state_dict', state]] }, storages),
  );
  await client.models.rescan({});
  const paint = async (name: string) => {
    const request = tinyRequest({ checkpoint: { name }, width: 64, height: 64, steps: 2 });
    const job = await settled((await client.queue.add({ request })).id);
    expect(job).toMatchObject({ state: 'done', error: null });
    const { files } = await client.history.export({
      ids: [...job.pictures],
      format: 'png',
      metadata: 'none',
      directory: root,
    });
    return files[0]!.path!;
  };
  const { decodePixels } = await import('../../main/images/codec.ts');
  const [pickled, plain] = [await paint('pickled'), await paint('tiny')];
  expect((await decodePixels(pickled)).data).toEqual((await decodePixels(plain)).data);
});
