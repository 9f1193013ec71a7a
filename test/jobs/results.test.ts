import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EngineResult } from '../../main/engine/border/protocol.ts';
import { Embedder } from '../../main/history/embedder.ts';
import { History } from '../../main/history/history.ts';
import { addJob } from '../../main/jobs/queue.ts';
import { createFinish, type ResultPlaces } from '../../main/jobs/results.ts';
import { generationRequestSchema } from '../../preload/request.ts';
import { plainUrls, tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { unexpected } from '../helpers/unexpected.ts';

function setUp() {
  const root = tempFolder();
  const db = tempDatabase();
  const folders = { pictures: join(root, 'pictures'), uploads: join(root, 'uploads') };
  for (const path of Object.values(folders)) mkdirSync(path);
  const places = { db, urls: plainUrls, now: () => 1, ...folders };
  const quiet = { idle: () => false, onProgress: () => undefined, report: unexpected };
  const run = () => Promise.reject(new Error('no engine here'));
  const embedder = new Embedder({ db, pictures: folders.pictures, encoder: () => null, run, ...quiet });
  const history = new History({ places, outbox: root, embedder, report: unexpected, emit: () => undefined });
  const library = undefined as unknown as ResultPlaces['library']; // only a training asks it
  const others = { training: root, preprocessors: root, models: root, history, library };
  return { db, history, finish: createFinish({ ...places, ...others }) };
}

const image = { width: 64, height: 64, channels: 3 as const, data: new Uint8Array(64 * 64 * 3) };
const two: EngineResult = {
  kind: 'images',
  images: [image, { ...image, data: image.data.map(() => 9) }],
  seeds: ['1', '2'],
  notes: ['slow'],
  timings: {},
};

test('pictures are kept with the request as it is given, though its model has left the library', async () => {
  const { db, history, finish } = setUp();
  const model = { name: 'gone', sha256: 'a'.repeat(64) };
  const request = generationRequestSchema.parse({
    ...{ kind: 'text-to-image', checkpoint: model, prompt: 'x', seed: '1', width: 64, height: 64, batch: 2 },
  });
  const job = addJob(db, request, 'end', null, 1);
  expect(await finish(job, two)).toEqual({ notes: ['slow'], steps: 20 });
  await finish(job, two); // again, as after a crash: nothing is doubled
  const pictures = [1, 2].map((id) => history.get(id));
  expect(pictures).toMatchObject([
    { jobId: job.id, batchIndex: 0, seed: '1', request: { checkpoint: model } },
    { jobId: job.id, batchIndex: 1, seed: '2' },
  ]);
  expect(db.value('SELECT count(*) FROM pictures')).toBe(2);
});

test('what is no result of a job fails it', async () => {
  const { db, finish } = setUp();
  const request = { kind: 'upscale' as const, image: { path: '/p.png' }, upscaler: { name: 'u' }, tile: 256 };
  const job = addJob(db, request, 'end', null, 1);
  await expect(finish(job, { kind: 'embeddings', images: [], texts: [] })).rejects.toThrow(/gave embeddings/);
});
