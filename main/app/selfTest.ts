/** Checks the studio from the database to a tiny picture, and says of each part whether it works and how fast. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { generationRequestSchema } from '../../preload/request.ts';
import { readCard } from '../library/cards.ts';
import { writeDurably } from '../storage/fileStore.ts';
import { explain } from './border.ts';
import { appInfo, devices } from './calls.ts';
import type { Services } from './services.ts';

interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly detail: string;
  readonly milliseconds: number;
}

/** Runs every check; one that fails does not keep the others from running. */
export async function selfTest(s: Services): Promise<{ checks: Check[] }> {
  const checks = [
    await check('database', () => database(s)),
    await check('pictures folder', () => pictures(s)),
    await check('devices', async () => `${(await devices(s)).chosen} is used`),
    await check('picture', () => picture(s)),
  ];
  return { checks };
}

async function check(name: string, work: () => string | Promise<string>): Promise<Check> {
  const start = performance.now();
  const passedIn = () => Math.round(performance.now() - start);
  try {
    const detail = await work();
    return { name, passed: true, detail, milliseconds: passedIn() };
  } catch (error) {
    const { message, hint } = explain(error);
    return { name, passed: false, detail: `${message} ${hint}`, milliseconds: passedIn() };
  }
}

function database({ db }: Services): string {
  const verdict = db.value<string>('PRAGMA quick_check(1)');
  if (verdict !== 'ok') throw new Error(`SQLite reports: ${verdict}`);
  return `${db.value('SELECT count(*) FROM pictures')} pictures, ${db.value('SELECT count(*) FROM models')} models`;
}

function pictures({ folder }: Services): string {
  const path = join(folder.pictures, `.self-test-${randomBytes(4).toString('hex')}`);
  writeDurably(path, randomBytes(4096));
  rmSync(path);
  return folder.pictures;
}

/** Two small steps with the starter, beside the queue. */
async function picture(s: Services): Promise<string> {
  const { starterCheckpoint } = appInfo(s);
  if (starterCheckpoint === null)
    throw new Error('The starter model is not installed. Add a checkpoint to the library.');
  const { ref } = readCard(s.db, s.places.urls, starterCheckpoint);
  const request = generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: ref,
    prompt: 'a red boat',
    width: 64,
    height: 64,
    steps: 2,
    seed: '1',
  });
  const result = await s.engines.side.run({ kind: 'generate', request });
  if (result.kind !== 'images' || result.images.length !== 1) throw new Error('The engine gave no picture.');
  return `64 × 64 by ${ref.name}`;
}
