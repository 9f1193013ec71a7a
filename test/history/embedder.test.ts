/** Embedding in idle time: a batch that fails by chance is tried again picture by picture, and one bad picture stands alone. */
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import type { EngineJob, EngineResult } from '../../main/engine/border/protocol.ts';
import { Embedder } from '../../main/history/embedder.ts';
import type { ReportTrouble } from '../../preload/errors.ts';
import { fillHistory } from '../helpers/generatedHistory.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';

const PICTURES = 20;

/** An embedder over a generated history; `answer` is told the files of each job. */
function setUp(answer: (files: readonly string[]) => void) {
  const db = tempDatabase();
  fillHistory(db, PICTURES);
  const run = async (job: EngineJob): Promise<EngineResult> => {
    if (job.kind !== 'embed') throw new Error('another job');
    answer(job.images.map((path) => basename(path)));
    return { kind: 'embeddings', images: job.images.map(() => Float32Array.of(1, 0)), texts: [] };
  };
  const places = { db, pictures: '/pictures', encoder: () => 'clip', idle: () => true };
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
