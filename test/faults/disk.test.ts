import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../helpers/tempFolder.ts';

/** Why a disk of its own cannot be had: mounting needs Linux, and root or user namespaces. */
function reasonAgainst(): string | null {
  if (process.platform !== 'linux') return 'no small disk on this system';
  const probe = 'mount -t tmpfs tmpfs /tmp';
  return spawnSync('unshare', ['-rm', 'sh', '-c', probe]).status === 0
    ? null
    : 'mounting is not permitted here';
}

const reason = reasonAgainst();

test.skipIf(reason !== null)(
  `a disk that fills up, then turns read-only: told in words, nothing half done, and on it goes${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    const disk = tempFolder();
    const script = `mount -t tmpfs -o size=6m tmpfs "$1" && exec "$2" "$3" "$1"`;
    const output = execFileSync(
      'unshare',
      ['-rm', 'sh', '-c', script, 'sh', disk, process.execPath, join(import.meta.dirname, 'onSmallDisk.ts')],
      { encoding: 'utf8' },
    );
    const result = JSON.parse(output.trim().split('\n').at(-1) ?? '');
    expect(result.full.saved.length).toBeGreaterThan(3);
    expect(result.full.error).toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining('no space'),
      hint: expect.stringContaining('Free some space'),
    });
    expect(result.whileFull).toMatchObject({ integrity: 'ok', recorded: result.full.saved, halves: 0 });
    // At most one whole picture waits unrecorded: the next start records it (settlePending).
    expect(result.whileFull.files - result.full.saved.length).toBeLessThanOrEqual(1);
    expect(result.exported).toMatchObject({ code: 'disk-full' });
    // Whole pictures of noise have some 50 KB; there is no half one, and no empty one.
    expect(Math.min(...result.exportedSizes, Infinity)).toBeGreaterThan(45_000);
    expect(result.afterFreeing).toBeGreaterThan(0);
    expect(result.readOnly).toMatchObject({ code: 'read-only', hint: expect.stringContaining('permission') });
    expect(result.opened).toMatchObject({ code: 'read-only' });
    expect(result.afterRemount).toBeGreaterThan(result.afterFreeing);
    expect(result.end).toMatchObject({ integrity: 'ok', halves: 0 });
    expect(result.end.recorded).toHaveLength(result.full.saved.length + 2);
  },
);
