/** Embedding in idle time: a batch that fails by chance is tried again picture by picture, and one bad picture stands alone. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { EngineJob, EngineResult } from '../../main/engine/border/protocol.ts';
import { Embedder } from '../../main/history/embedder.ts';
import type { ReportTrouble } from '../../preload/errors.ts';
import { fillHistory } from '../helpers/generatedHistory.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

const PICTURES = 20;

function filled() {
  const db = tempDatabase();
  fillHistory(db, PICTURES);
  return db;
}

/** An embedder over a generated history; `answer` is told the files of each job. */
function setUp(answer: (files: readonly string[]) => void, db = filled(), encoder = 'clip', width = 2) {
  const run = async (job: EngineJob): Promise<EngineResult> => {
    if (job.kind !== 'embed') throw new Error('another job');
    answer(job.images.map((path) => basename(path)));
    return { kind: 'embeddings', images: job.images.map(() => new Float32Array(width).fill(1)), texts: [] };
  };
  const places = { db, pictures: '/pictures', encoder: () => encoder, idle: () => true };
  const told: string[] = [];
  const report: ReportTrouble = ({ message }, error) => void told.push(`${message} ${error}`);
  const embedder = new Embedder({ ...places, run, report, onProgress: () => undefined });
  const files = db.all<{ file: string }>('SELECT file FROM pictures ORDER BY id DESC');
  return { embedder, told, newest: files.map(({ file }) => basename(file)) };
}

test('an engine that ends in the middle of a batch costs no picture', async () => {
  let jobs = 0;
  const { embedder, told } = setUp(() => {
    if (jobs++ === 0) throw new Error('The engine stopped unexpectedly.');
  });
  await embedder.work();
  expect(embedder.index.size).toBe(PICTURES);
  expect(told).toEqual([]);
});

test('one unreadable picture is left out alone, and told of', async () => {
  const bad = { name: '' };
  const { embedder, told, newest } = setUp((files) => {
    if (files.includes(bad.name)) throw new Error('This is no picture.');
  });
  bad.name = newest[3]!;
  await embedder.work();
  expect(embedder.index.size).toBe(PICTURES - 1);
  expect(told).toEqual(['A picture cannot be found by meaning. Error: This is no picture.']);
});

test('where nothing succeeds it stops for now instead of trying every picture there is', async () => {
  let jobs = 0;
  const { embedder, told } = setUp(() => {
    jobs++;
    throw new Error('The encoder is damaged.');
  });
  await embedder.work();
  expect(jobs).toBe(17); // one batch, then its pictures one by one
  expect(new Set(told)).toEqual(
    new Set(['The search by meaning does not know the newest pictures. Error: The encoder is damaged.']),
  );
});

test('an encoder is the same in another folder, and another one in the same place', async () => {
  const [db, root] = [filled(), tempFolder()];
  const [first, moved] = [join(root, 'a/clip'), join(root, 'b/clip')];
  for (const path of [first, moved]) {
    mkdirSync(dirname(path));
    writeFileSync(path, 'weights');
    utimesSync(path, 1e9, 1e9);
  }
  const counts: number[] = [];
  for (const [encoder, width] of [
    [first, 2],
    [moved, 2],
    [moved, 3],
  ] as const) {
    if (width === 3) writeFileSync(moved, 'other weights');
    const count = counts.push(0) - 1;
    const { embedder, told } = setUp(() => (counts[count]! += 1), db, encoder, width);
    await embedder.work();
    expect(embedder.index).toMatchObject({ size: PICTURES, width });
    expect(told).toEqual([]);
  }
  expect(counts).toEqual([2, 0, 2]);
});
