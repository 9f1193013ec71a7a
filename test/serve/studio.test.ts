import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import { readImageMetadata } from '../../main/images/metadata/read.ts';
import { toStudioError } from '../../preload/errors.ts';
import { startStudio } from '../helpers/studio.ts';
import { tinyRequest } from '../helpers/tinyModel.ts';

const request = (values = {}) =>
  tinyRequest({ checkpoint: { name: 'tiny' }, width: 64, height: 64, steps: 2, ...values });

test('a request over the WebSocket becomes a picture with its whole request in history and file', async () => {
  const { client, server, events, settled, root } = await startStudio();
  const controller = new AbortController();
  const seen: string[] = [];
  const stream = await client.events(undefined, { signal: controller.signal });
  const reading = (async () => {
    for await (const event of stream) seen.push(event.type);
  })().catch(() => undefined);
  const job = await client.queue.add({ request: request({ batch: 2 }) });
  expect(job.state).toMatch(/queued|running/);
  const done = await settled(job.id);
  expect(done.error).toBeNull();
  expect(done).toMatchObject({ state: 'done', crashes: 0 });
  const page = await client.history.page({});
  expect(page.total).toBe(2);
  expect(page.items.map(({ id }) => id).sort()).toEqual([...done.pictures].sort());
  const detail = await client.history.get({ id: done.pictures[1]! });
  expect(detail).toMatchObject({
    kind: 'text-to-image',
    seed: '8',
    batchIndex: 1,
    model: 'tiny',
    width: 64,
    jobId: job.id,
  });
  expect(detail.parameters).toContain('Steps: 2');
  const file = await fetch(server.url.split('/?')[0] + detail.url);
  const bytes = new Uint8Array(await file.arrayBuffer());
  expect(file.headers.get('content-type')).toBe('image/png');
  const found = await readImageMetadata(bytes);
  expect(found.request).toMatchObject({ ...request({ batch: 2 }), checkpoint: { name: 'tiny' } });
  expect(JSON.stringify(found.raw)).not.toContain(root);
  const thumbnail = await fetch(server.url.split('/?')[0] + detail.thumbnailUrl);
  expect(thumbnail.headers.get('content-type')).toBe('image/webp');
  const timeline = await client.queue.timeline({ id: job.id });
  expect(timeline.map(({ step }) => step)).toEqual([1, 2]);
  expect(timeline[0]!.preview.dataUrl).toMatch(/^data:image\/png;base64,/);
  expect((await client.queue.plan({ request: request({ batch: 2 }) })).seconds).toBeGreaterThan(0);
  controller.abort();
  await reading;
  expect(seen).toContain('progress');
  expect(seen).toContain('picture');
  expect(events.filter((event) => event.type === 'job').map((event) => event.job.state)).toEqual([
    'queued',
    'running',
    'done',
  ]);
});

test('image to image from an uploaded picture keeps its parents; export writes without paths or without anything', async () => {
  const { client, settled, root } = await startStudio();
  const first = await settled((await client.queue.add({ request: request() })).id);
  expect(first).toMatchObject({ state: 'done', error: null });
  const source = (await client.history.get({ id: first.pictures[0]! })).image;
  const second = await settled(
    (
      await client.queue.add({
        request: request({ kind: 'image-to-image', initImage: source, denoisingStrength: 0.6, steps: 3 }),
      })
    ).id,
  );
  expect(second).toMatchObject({ state: 'done', error: null });
  const lineage = await client.history.lineage({ id: second.pictures[0]! });
  expect(lineage.edges).toEqual([
    { parent: first.pictures[0], child: second.pictures[0], role: 'image-to-image' },
  ]);
  const { files } = await client.history.export({
    ids: [...second.pictures],
    format: 'png',
    metadata: 'prompt',
    directory: root,
  });
  const found = await readImageMetadata(readFileSync(files[0]!.path!));
  const texts = Object.values(found.raw).join();
  expect(texts).toContain('a photo of a cat');
  expect(texts).not.toContain('Steps');
  const bare = await client.history.export({ ids: [...second.pictures], format: 'jpeg', metadata: 'none' });
  expect(bare.files[0]).toMatchObject({ path: null, url: expect.stringContaining('/files/outbox/') });
  const imported = [];
  for await (const progress of await client.history.import({
    paths: [files[0]!.path!, join(root, 'nowhere.png')],
  }))
    imported.push(progress);
  expect(imported.at(-1)).toMatchObject({
    done: 2,
    imported: 1,
    failed: [{ file: join(root, 'nowhere.png') }],
  });
});

test('the ComfyUI graph of a picture knows the area that was cut out, in the history’s file and in an export', async () => {
  const { client, settled, root } = await startStudio();
  const upload = async (picture: Sharp) =>
    (await client.images.upload({ file: new Blob([new Uint8Array(await picture.png().toBuffer())]) })).image;
  const plain = { width: 256, height: 256, channels: 3 as const };
  const white = { create: { width: 64, height: 64, channels: 3 as const, background: '#fff' } };
  const masked = request({
    kind: 'inpaint',
    initImage: await upload(sharp({ create: { ...plain, background: '#468' } })),
    mask: await upload(
      sharp({ create: { ...plain, background: '#000' } }).composite([{ input: white, left: 32, top: 96 }]),
    ),
    inpaintArea: 'only masked',
    denoisingStrength: 0.5,
    steps: 4,
  });
  const { pictures, error } = await settled((await client.queue.add({ request: masked })).id);
  expect(error).toBeNull();
  const exported = async (format: 'png' | 'webp') => {
    const ids = [...pictures];
    const { files } = await client.history.export({ ids, format, metadata: 'all', directory: root });
    return (await readImageMetadata(readFileSync(files[0]!.path!))).raw;
  };
  const stored = await readImageMetadata(storedPicture(join(root, 'data/pictures')));
  const graph = JSON.parse(stored.raw['prompt']!) as Record<string, { class_type: string; inputs: object }>;
  const nodes = Object.values(graph);
  expect(nodes.find((node) => node.class_type === 'ImageCrop')?.inputs).toMatchObject({
    x: expect.any(Number),
    width: expect.any(Number),
  });
  expect(nodes.find((node) => node.class_type === 'CheckpointLoaderSimple')?.inputs).toEqual({
    ckpt_name: 'tiny.safetensors',
  });
  for (const format of ['png', 'webp'] as const)
    expect((await exported(format))['prompt']).toBe(stored.raw['prompt']);
});

/** The only picture below a folder. */
function storedPicture(folder: string): Uint8Array {
  const [file] = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return readFileSync(join(file!.parentPath, file!.name));
}

test('errors cross with code, message and a next step', async () => {
  const { client, settled } = await startStudio();
  const failing = async (call: Promise<unknown>) =>
    toStudioError(
      await call.then(
        () => null,
        (error: unknown) => error,
      ),
    );
  expect(await failing(client.history.get({ id: 999 }))).toMatchObject({
    code: 'not-found',
    message: 'There is no picture 999.',
    hint: expect.stringContaining('Reload'),
  });
  expect(await failing(client.queue.add({ request: { ...request(), steps: -1 } }))).toMatchObject({
    code: 'bad-input',
    message: expect.stringContaining('steps'),
  });
  expect(await failing(client.app.pick({ what: 'models' }))).toMatchObject({ code: 'not-allowed' });
  expect(await failing(client.images.upload({ file: new Blob(['no picture']) }))).toMatchObject({
    code: 'bad-input',
  });
  const job = await settled(
    (await client.queue.add({ request: request({ checkpoint: { name: 'nowhere' } }) })).id,
  );
  expect(job).toMatchObject({
    state: 'failed',
    error: { code: 'unknown-model', message: 'The model "nowhere" is not in the library.' },
  });
});

test('what no memory could hold is refused before anything is loaded, over the socket and over HTTP', async () => {
  const launchEngine = () => {
    throw new Error('nothing may be loaded');
  };
  const { client, settled, origin } = await startStudio({ launchEngine });
  const huge = request({ width: 16384, height: 16384, batch: 64 });
  const message = expect.stringMatching(/^16384 × 16384, 64 at once, takes about \d+ GB of memory/);
  expect(await settled((await client.queue.add({ request: huge })).id)).toMatchObject({
    ...{ state: 'failed', crashes: 0 },
    error: { code: 'too-large', message, hint: expect.stringMatching(/^Choose .+ smaller\.$/) },
  });
  const answer = await fetch(`${origin}/sdapi/v1/txt2img`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'a cat', width: 16384, height: 16384, batch_size: 64 }),
  });
  expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'too-large', detail: message }]);
});

test('uploads, hints, tokens, settings, boards, models and the app’s own facts', async () => {
  const { client, root, events } = await startStudio();
  const png = readFileSync(join(import.meta.dirname, '../golden/canny/picture.png'));
  const stored = await client.images.upload({ file: new File([png], 'in.png') });
  expect(stored.image.sha256).toMatch(/^[0-9a-f]{64}$/);
  const hint = await client.images.hint({
    image: stored.image,
    preprocessor: 'canny',
    width: 64,
    height: 64,
  });
  expect(hint).toMatchObject({ width: 64, height: 64 });
  expect((await client.images.preprocessors()).map(({ name }) => name)).toContain('canny');
  const kept = await client.history.keep({ image: stored.image });
  expect(kept.kind).toBe('canvas');
  expect(await client.prompt.tokens({ text: 'a cat' })).toEqual({
    count: 2,
    chunks: [{ start: 0, end: 5, tokens: 2 }],
    limit: 75,
  });
  expect(await client.settings.update({ theme: 'light', window: { left: 300 } })).toMatchObject({
    theme: 'light',
    window: { left: 300 },
  });
  expect(events.at(-1)).toMatchObject({ type: 'settings' });
  const board = await client.history.createBoard({ name: 'best' });
  await client.history.addToBoard({ ids: [kept.id], boardId: board.id });
  expect(await client.history.boards()).toMatchObject([{ name: 'best', pictures: 1 }]);
  const { items } = await client.models.list({});
  expect(items).toMatchObject([{ name: 'tiny', type: 'checkpoint', base: 'sd15', state: 'ready' }]);
  expect(
    await client.models.update({ id: items[0]!.id, patch: { notes: 'small', tags: ['toy'] } }),
  ).toMatchObject({ notes: 'small', tags: ['toy'] });
  expect(await client.app.info()).toMatchObject({
    shell: 'serve',
    dataDir: join(root, 'data'),
    starterCheckpoint: null,
  });
  await client.history.delete({ ids: [kept.id] });
  expect((await client.history.page({})).total).toBe(0);
  await client.history.restore({ ids: [kept.id] });
  expect((await client.history.page({})).total).toBe(1);
  await client.history.delete({ ids: [kept.id] });
  expect((await client.models.diskUse()).bin).toMatchObject({ count: 1 });
  expect(await client.history.emptyBin({ deletedBefore: Date.now() + 1 })).toEqual({ removed: 1 });
  expect(existsSync(join(root, 'data/pictures'))).toBe(true);
  expect((await client.models.diskUse()).models).toMatchObject([{ value: 'checkpoint' }]);
  const copy = join(root, 'data/cache/weights.int8.safetensors');
  writeFileSync(copy, Buffer.alloc(1000));
  const merged = join(root, 'data/cache/weights.overlay.safetensors');
  writeFileSync(merged, Buffer.alloc(500));
  expect((await client.models.diskUse()).copies).toEqual([
    { kind: 'float32', bytes: 0 },
    { kind: 'packed', bytes: 1000 },
    { kind: 'merged', bytes: 500 },
  ]);
  expect(await client.models.clearCache({ kind: 'merged' })).toEqual({ bytes: 500 });
  expect([copy, merged].map((path) => existsSync(path))).toEqual([true, false]);
  expect(await client.models.clearCache()).toEqual({ bytes: 1000 });
  expect(existsSync(copy)).toBe(false);
});
