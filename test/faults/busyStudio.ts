/**
 * A studio under heavy writing, to be killed at any moment: jobs run by the real engine, pictures kept, rated and deleted,
 * actions appended and undone, models appearing and scanned. Tells a line for whatever is about to be and has become durable.
 * Usage: node busyStudio.ts DATA_FOLDER SEED
 */
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { launchEngine } from '../../main/engine/border/launch.ts';
import { storeUpload } from '../../main/history/uploads.ts';
import { encodePixels } from '../../main/images/codec.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { appendActions, createProject, openProject, setCursor } from '../../main/projects/projects.ts';
import { generationRequestSchema } from '../../preload/request.ts';
import { LORA, writeModel } from '../helpers/modelFiles.ts';
import { randomBelow } from '../helpers/random.ts';
import { openStudio } from './openStudio.ts';

const [root = '', seed = '1'] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const random = randomBelow(Number(seed));

say('begun');
const services = await openStudio(root, () => launchEngine());
const { history, db, jobs, library, folder, places } = services;

services.events.subscribe((event) => {
  if (event.type === 'picture') say(`picture ${event.picture.id} ${event.picture.image.sha256}`);
  if (event.type !== 'job') return;
  if (event.job.state === 'done') say(`done ${event.job.id} ${event.job.pictures.length}`);
  if (event.job.state === 'failed') giveUp(`job ${event.job.id}: ${event.job.error?.message}`);
});

/** Ends by itself, which no killed studio does: the test tells why. */
function giveUp(reason: string): void {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

/** Some jobs always wait; those that a kill interrupted are continued. */
function fillQueue(): void {
  const { jobs: listed } = jobs.list();
  for (const { id, state } of listed) if (state === 'interrupted') jobs.continue(id);
  for (let open = listed.filter(({ state }) => state !== 'done').length; open < 4; open++) {
    jobs.add(
      generationRequestSchema.parse({
        kind: 'text-to-image',
        checkpoint: { name: 'tiny' },
        prompt: 'a busy day',
        seed: String(random(1e9)),
        width: 64,
        height: 64,
        steps: 1,
        batch: 1 + random(2),
      }),
    );
  }
}

async function keepPicture(): Promise<void> {
  const data = new Uint8Array(64 * 64 * 3).map(() => random(256));
  const png = await encodePixels(pixelsOf(data, 64, 64, 3), 'png');
  const { image } = await storeUpload(places, png);
  say(`upload ${image.sha256}`);
  await history.keep(image, []);
}

const projectId = db.value<number>('SELECT min(id) FROM projects') ?? createProject(db, 'busy', 64, 64, 1);

function stroke(): void {
  const { cursor, firstSeq } = openProject(db, places.urls, projectId);
  const undo = cursor > 3 && random(4) === 0;
  const next = undo ? Math.max(firstSeq - 1, cursor - 1 - random(2)) : cursor + 1;
  say(`stroking ${cursor} ${next}`);
  if (undo) setCursor(db, projectId, next, 1);
  else appendActions(db, projectId, cursor, [{ label: 'stroke', forward: { x: next }, backward: null }], 1);
  say(`stroked ${next}`);
}

async function addModel(): Promise<void> {
  writeModel(join(folder.models, `m${random(1e6)}.safetensors`), LORA, {}, random(256));
  await library.rescan();
  say(`models ${db.value<number>("SELECT count(*) FROM models WHERE state = 'ready'")}`);
}

function tidy(): void {
  const ids = db.column<number>('SELECT id FROM pictures WHERE deleted = 0 ORDER BY id LIMIT 5');
  if (random(3) === 0) history.rate(ids.slice(0, 2), random(6));
  if (random(6) > 0 || ids.length < 5) return;
  const doomed = ids.slice(0, 1);
  say(`removing ${doomed[0]}`);
  history.setDeleted(doomed, true);
  history.emptyBin(Number.MAX_SAFE_INTEGER);
}

// A killed process does not write it by itself, and each life would compile everything anew.
flushCompileCache();
say('ready');
for (let round = 0; ; round++) {
  fillQueue();
  stroke();
  await keepPicture();
  if (round % 3 === 0) await addModel();
  tidy();
  // Lets the engine have its share of the machine.
  await wait(random(30));
}
