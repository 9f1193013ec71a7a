/** Requests of other programs with values nobody thought of: each is answered, none as our own failure. */
import { expect, test } from 'vitest';
import { startStudio } from '../helpers/studio.ts';
import { tinyRequest } from '../helpers/tinyModel.ts';

async function setUp() {
  const studio = await startStudio();
  const { origin, server } = studio;
  const answer = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(origin + path, init);
    return [response.status, await response.json()] as const;
  };
  const post = (path: string, body: unknown) =>
    answer(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const upload = (path: string) =>
    answer(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/octet-stream' },
      body: 'not a picture',
    });
  return { ...studio, answer, post, upload };
}

test('a query that says a thing twice, or something that is no kind of it, is the caller’s mistake', async () => {
  const { answer, upload } = await setUp();
  for (const type of ['input', 'output'])
    expect((await answer(`/view?filename=a&filename=b&type=${type}`))[0]).toBe(404);
  expect((await answer('/history?max_items=1&max_items=x'))[0]).toBe(200);
  for (const kind of ['toString', 'constructor', '__proto__'])
    expect(await upload(`/upload/${kind}?name=a`), kind).toMatchObject([400, { code: 'bad-input' }]);
  expect(await upload('/upload/picture?name=first.png&name=b')).toMatchObject([
    400,
    { message: expect.stringContaining('first.png: ') },
  ]);
});

test('names longer than any path are refused at once, options longer than any list of them not kept', async () => {
  const { post, client } = await setUp();
  const name = 'x'.repeat(100_000);
  const body = { prompt: 'a', width: 64, height: 64, steps: 1 };
  const named = { ...body, override_settings: { sd_model_checkpoint: name } };
  expect((await post('/sdapi/v1/txt2img', named))[0]).toBe(400);
  expect((await post('/sdapi/v1/txt2img', { ...body, prompt: `<lora:${name}:1>` }))[0]).toBe(400);
  expect((await post('/sdapi/v1/options', { sd_model_checkpoint: name }))[0]).toBe(422);
  expect((await post('/sdapi/v1/options', { mine: 'x'.repeat(2e6) }))[0]).toBe(413);
  expect((await client.queue.list()).paused).toBe(false);
});

test('a job that cannot even be planned fails by itself, and the queue goes on', async () => {
  const { client, settled, server } = await setUp();
  const { db } = server.services;
  const request = tinyRequest({ checkpoint: { name: 'tiny' }, width: 64, height: 64, steps: 1 });
  db.run('ALTER TABLE measurements RENAME TO elsewhere');
  const [first, second] = [await client.queue.add({ request }), await client.queue.add({ request })];
  for (const { id } of [first, second])
    expect(await settled(id)).toMatchObject({ state: 'failed', error: { code: 'internal' } });
  expect((await client.queue.list()).paused).toBe(false);
});
