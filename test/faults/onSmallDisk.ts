/**
 * Runs a studio in a folder on a small disk of its own and fills it, then makes it read-only; prints what happened as JSON.
 * Usage: node onSmallDisk.ts FOLDER (on the small disk, which the caller mounts)
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../../main/app/border.ts';
import type { Services } from '../../main/app/services.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { exportRequestSchema } from '../../preload/history.ts';
import { generationRequestSchema } from '../../preload/request.ts';
import { openStudio } from './openStudio.ts';

const [disk = ''] = process.argv.slice(2);
const root = join(disk, 'data');
const open = () => openStudio(root);

let made = 0;
async function picture({ history }: Services): Promise<number> {
  made += 1;
  let noise = made;
  const data = new Uint8Array(128 * 128 * 3).map(() => {
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
    return noise >>> 24;
  });
  const request = generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'none' },
    prompt: 'x',
    seed: '1',
    width: 128,
    height: 128,
  });
  return (
    await history.save({
      pixels: pixelsOf(data, 128, 128, 3),
      request,
      seed: '1',
      batchIndex: 0,
      jobId: made,
    })
  ).id;
}

/** Saves until it fails. @returns the ids saved and the failure. */
async function saveUntilFailure(services: Services) {
  const saved: number[] = [];
  try {
    for (;;) saved.push(await picture(services));
  } catch (error) {
    return { saved, error: explain(error) };
  }
}

function state({ db, folder }: Services) {
  const files = readdirSync(folder.pictures, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return {
    integrity: db.value('PRAGMA integrity_check'),
    recorded: db.column<number>('SELECT id FROM pictures ORDER BY id'),
    files: files.length,
    halves: files.filter(({ name }) => name.endsWith('.part')).length,
  };
}

const result: Record<string, unknown> = {};
const ballast = join(disk, 'ballast');
const services = await open();
const { bavail, bsize } = statfsSync(disk);
writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 2_000_000)));
result['full'] = await saveUntilFailure(services);
result['whileFull'] = state(services);
const exports = join(disk, 'exports');
mkdirSync(exports);
const ids = services.db.column<number>('SELECT id FROM pictures');
result['exported'] = await services.history
  .export(exportRequestSchema.parse({ ids: [...ids, ...ids], directory: exports }))
  .then(() => null, explain);
result['exportedSizes'] = readdirSync(exports).map((name) => statSync(join(exports, name)).size);
rmSync(exports, { recursive: true });
rmSync(ballast);
result['afterFreeing'] = await picture(services);
const { pictures } = services.folder;
execFileSync('mount', ['--bind', pictures, pictures]);
execFileSync('mount', ['-o', 'remount,bind,ro', pictures]);
result['readOnly'] = await picture(services).then(() => null, explain);
execFileSync('umount', [pictures]);
result['afterRemount'] = await picture(services);
result['end'] = state(services);
await services.close();
execFileSync('mount', ['-o', 'remount,ro', disk]);
result['opened'] = await open().then(() => null, explain);
console.log(JSON.stringify(result));
