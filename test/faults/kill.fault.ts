import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createServices } from '../../main/app/services.ts';
import { sha256Of } from '../../main/history/uploads.ts';
import { plainUrls } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

/** 200 by default; fewer while working on something. */
const KILLS = Number(process.env['EMULSION_KILLS'] ?? 200);

function start(root: string, seed: number): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'busyStudio.ts'), root, String(seed)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Lines of the child until it is killed `delay` ms after it said it is ready. */
function killAfter(child: ChildProcess, delay: number): Promise<string[]> {
  let output = '';
  let errors = '';
  let armed = false;
  child.stderr?.on('data', (data: Buffer) => (errors += data));
  child.stdout?.on('data', (data: Buffer) => {
    output += data;
    if (armed || !output.includes('ready')) return;
    armed = true;
    setTimeout(() => child.kill('SIGKILL'), delay);
  });
  return new Promise((resolve, reject) => {
    child.on('exit', (_code, signal) => {
      if (signal === 'SIGKILL') resolve(output.split('\n').slice(0, -1));
      else reject(new Error(`the studio ended by itself: ${errors}`));
    });
  });
}

test(`kill -9 at ${KILLS} random moments of a write-heavy run`, { timeout: 3_600_000 }, async () => {
  const root = tempFolder();
  const finished = new Map<number, string>();
  let state = 12345;
  for (let kill = 0; kill < KILLS; kill++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    for (const line of await killAfter(start(root, state), state % 400)) {
      const [what, id = '', sha256 = ''] = line.split(' ');
      if (what === 'picture') finished.set(Number(id), sha256);
      if (what === 'removing') finished.delete(Number(id));
    }
    if (kill % 20 === 19 || kill === KILLS - 1) await check(root, finished);
  }
  console.log(`${KILLS} kills: ${finished.size} finished pictures, all there; database sound`);
  expect(finished.size).toBeGreaterThan(KILLS / 20);
});

/** Opens the folder as the next start does and compares everything. */
async function check(root: string, finished: ReadonlyMap<number, string>): Promise<void> {
  const services = await createServices({
    dataRoot: root,
    launchEngine: () => {
      throw new Error('no engine in this test');
    },
    urls: plainUrls,
    shell: {
      kind: 'serve',
      pick: async () => [],
      reveal: async () => undefined,
      moveToBin: async () => undefined,
    },
    version: 'test',
    starterDir: join(root, 'no starter'),
    watch: false,
  });
  try {
    const { db, folder } = services;
    expect(db.value('PRAGMA integrity_check')).toBe('ok');
    expect(db.column('PRAGMA foreign_key_check')).toEqual([]);
    expect(db.all('SELECT * FROM notices')).toEqual([]);
    const rows = db.all<{ id: number; file: string; sha256: string }>(
      'SELECT id, file, sha256 FROM pictures',
    );
    for (const { file, sha256 } of rows) {
      expect(existsSync(join(folder.pictures, file)), `${file} is recorded but not there`).toBe(true);
      expect(sha256Of(readFileSync(join(folder.pictures, file))), `${file} is not what was recorded`).toBe(
        sha256,
      );
    }
    const known = new Map(rows.map(({ id, sha256 }) => [id, sha256]));
    for (const [id, sha256] of finished)
      expect(known.get(id), `picture ${id} was finished and is lost`).toBe(sha256);
    const recorded = new Set(rows.map(({ file }) => file));
    const files = readdirSync(folder.pictures, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.pictures.length + 1));
    expect(
      files.filter((file) => !recorded.has(file)),
      'files without a record',
    ).toEqual([]);
    expect(db.value('SELECT count(*) FROM pictures_text')).toBe(rows.length);
    expect(db.value('SELECT count(*) FROM project_actions WHERE seq > 0')).toBeGreaterThan(0);
  } finally {
    await services.close();
  }
}
