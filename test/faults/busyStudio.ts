/**
 * A studio under heavy writing, to be killed at any moment: pictures saved, rated and deleted, actions appended and undone,
 * models appearing and scanned. Tells on its output what is finished, after it is finished: `picture 12 ab12…`.
 * Usage: node busyStudio.ts DATA_FOLDER SEED
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServices } from '../../main/app/services.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { appendActions, createProject, openProject, setCursor } from '../../main/projects/projects.ts';
import { generationRequestSchema } from '../../preload/request.ts';

const [root = '', seed = '1'] = process.argv.slice(2);
const services = await createServices({
  dataRoot: root,
  // Pictures are made here; the engine process has fault tests of its own.
  launchEngine: () => {
    throw new Error('no engine in this test');
  },
  urls: { of: (kind, name) => `${kind}/${name}` },
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
const { history, db, library, folder, places } = services;
const say = (line: string) => process.stdout.write(`${line}\n`);

let state = Number(seed);
const random = (below: number) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state % below;
};

const request = generationRequestSchema.parse({
  kind: 'text-to-image',
  checkpoint: { name: 'none' },
  prompt: 'a busy day',
  seed: '1',
  width: 64,
  height: 64,
});
const projectId = db.value<number>('SELECT min(id) FROM projects') ?? createProject(db, 'busy', 64, 64, 1);

async function picture(): Promise<void> {
  const data = new Uint8Array(64 * 64 * 3).map(() => random(256));
  const jobId = (db.value<number>('SELECT max(job_id) FROM pictures') ?? 0) + 1;
  const { id, image } = await history.save({
    pixels: pixelsOf(data, 64, 64, 3),
    request,
    seed: '1',
    batchIndex: 0,
    jobId,
  });
  say(`picture ${id} ${image.sha256}`);
}

function strokes(): void {
  const { cursor, firstSeq } = openProject(db, places.urls, projectId);
  if (cursor > 3 && random(4) === 0)
    setCursor(db, projectId, Math.max(firstSeq - 1, cursor - 1 - random(2)), 1);
  else
    appendActions(db, projectId, cursor, [{ label: 'stroke', forward: { x: random(9) }, backward: null }], 1);
}

async function models(): Promise<void> {
  const header = Buffer.from(
    JSON.stringify({ 'a.lora_down.weight': { dtype: 'F16', shape: [1, 4], data_offsets: [0, 8] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  mkdirSync(folder.models, { recursive: true });
  writeFileSync(
    join(folder.models, `m${random(1000)}.safetensors`),
    Buffer.concat([length, header, Buffer.alloc(8)]),
  );
  await library.rescan();
}

say('ready');
for (let round = 0; ; round++) {
  await picture();
  strokes();
  if (round % 3 === 0) await models();
  const known = db.column<number>('SELECT id FROM pictures WHERE deleted = 0 ORDER BY id LIMIT 5');
  if (random(3) === 0 && known.length > 3) history.rate(known.slice(0, 2), random(6));
  if (random(6) === 0 && known.length > 4) {
    const doomed = known.slice(0, 1);
    for (const id of doomed) say(`removing ${id}`);
    history.setDeleted(doomed, true);
    history.emptyBin(Number.MAX_SAFE_INTEGER);
  }
}
