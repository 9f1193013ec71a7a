import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { startStudio, type TestStudio } from '../helpers/studio.ts';
import { TINY_CHECKPOINT } from '../helpers/tinyModel.ts';

const PICTURE = join(import.meta.dirname, '../golden/canny/picture.png');

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Sends the path exactly as written, which fetch would tidy up. */
function raw(origin: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    })
      .on('error', reject)
      .end();
  });
}

/** A studio with one picture, and a secret beside the data that must never be served. */
async function setUp(): Promise<TestStudio & { url: string; outside: string }> {
  const studio = await startStudio();
  const { client, root } = studio;
  writeFileSync(join(root, 'secret.txt'), 'TOP SECRET');
  const stored = await client.images.upload({ file: new Blob([readFileSync(PICTURE)]) });
  return { ...studio, url: stored.url, outside: join(root, 'secret.txt') };
}

test('foreign host names and foreign pages are refused, our own are served', async () => {
  const { origin, url } = await setUp();
  const { host, port } = new URL(origin);
  expect((await raw(origin, url)).status).toBe(200);
  expect((await raw(origin, url, { host: `localhost:${port}` })).status).toBe(200);
  expect((await raw(origin, url, { origin })).status).toBe(200);
  for (const name of ['evil.example', `evil.example:${port}`, `${host}.evil.example`]) {
    expect((await raw(origin, url, { host: name })).status, name).toBe(403);
  }
  for (const foreign of [
    'http://evil.example',
    'null',
    `https://${host}.evil.example`,
    `http://127.0.0.1:${Number(port) + 1}`,
  ]) {
    expect((await raw(origin, url, { origin: foreign })).status, foreign).toBe(403);
  }
  expect(
    (await raw(origin, url, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status,
  ).toBe(403);
  expect((await raw(origin, '/sdapi/v1/sd-models', { origin: 'http://evil.example' })).status).toBe(403);
});

test('sockets need the token and our own origin', async () => {
  const { origin, server } = await setUp();
  const address = origin.replace('http', 'ws');
  const opened = (path: string, options: object = {}) =>
    new Promise<boolean>((resolve) => {
      const socket = new WebSocket(address + path, options);
      socket.on('open', () => {
        socket.terminate();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  expect(await opened(`/rpc?token=${server.token}`)).toBe(true);
  expect(await opened('/rpc', { headers: { authorization: `Bearer ${server.token}` } })).toBe(true);
  expect(await opened('/rpc')).toBe(false);
  expect(await opened('/rpc?token=wrong')).toBe(false);
  expect(await opened(`/rpc?token=${server.token}`, { origin: 'http://evil.example' })).toBe(false);
  expect(await opened('/other')).toBe(false);
});

test('a client that resets its refused socket ends nothing', async () => {
  const { origin } = await setUp();
  const { hostname, port, host } = new URL(origin);
  const failures: unknown[] = [];
  const note = (error: unknown) => void failures.push(error);
  process.on('uncaughtException', note);
  onTestFinished(() => void process.off('uncaughtException', note));
  for (let i = 0; i < 20; i++) {
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(`GET /rpc HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  expect((await raw(origin, '/queue')).status).toBe(200);
  expect(failures).toEqual([]);
});

test('a file is served with its key only, with ranges, and never as a page', async () => {
  const { origin, url } = await setUp();
  const whole = readFileSync(PICTURE);
  expect((await raw(origin, url.split('?')[0]!)).status).toBe(403);
  expect((await raw(origin, url.replace('/upload/', '/outbox/'))).status).toBe(403);
  const full = await raw(origin, url);
  expect(full.body.equals(whole)).toBe(true);
  expect(full.headers).toMatchObject({ 'content-type': 'image/png', 'x-content-type-options': 'nosniff' });
  const part = await raw(origin, url, { range: 'bytes=10-19' });
  expect(part.status).toBe(206);
  expect(part.headers['content-range']).toBe(`bytes 10-19/${whole.length}`);
  expect(part.body.equals(whole.subarray(10, 20))).toBe(true);
  expect((await raw(origin, url, { range: 'bytes=-5' })).body.equals(whole.subarray(-5))).toBe(true);
  expect((await raw(origin, url, { range: `bytes=${whole.length}-` })).status).toBe(416);
  expect((await raw(origin, url, { range: 'bytes=1-2,4-5' })).status).toBe(200);
  expect((await raw(origin, url, { 'if-none-match': String(full.headers['etag']) })).status).toBe(304);
});

test('no path leads out of the data folders: traversal, encodings, Windows forms, links', async () => {
  const { origin, server, root, outside } = await setUp();
  mkdirSync(join(root, 'window'));
  const { outbox } = server.services.folder;
  symlinkSync(outside, join(outbox, 'link.png'));
  symlinkSync(root, join(outbox, 'folder'));
  const { of } = server.services.options.urls;
  const names = [
    '../secret.txt',
    '..\\secret.txt',
    'link.png',
    'folder/secret.txt',
    '/etc/passwd',
    'C:\\secret.txt',
    '..',
    '.',
    '%2e%2e/secret.txt',
    'a\0.png',
    '....//secret.txt',
    'CON',
    'file:///etc/passwd',
  ];
  for (const kind of ['outbox', 'upload', 'picture', 'thumbnail', 'model', 'sample', 'nothing']) {
    for (const name of names) {
      const answer = await raw(origin, of(kind as 'outbox', name));
      expect([400, 404], `${kind} ${name}`).toContain(answer.status);
      expect(answer.body.toString()).not.toContain('SECRET');
    }
  }
  const paths = [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%5csecret.txt',
    '/assets/../../secret.txt',
    '//etc/passwd',
    '/c:/windows',
    '/%00',
    '/%',
    '/..%c0%afsecret.txt',
    '/assets/%252e%252e/secret.txt',
  ];
  for (const path of paths) {
    const answer = await raw(origin, path);
    expect([400, 404], path).toContain(answer.status);
    expect(answer.body.toString()).not.toContain('SECRET');
  }
});

test('the window is served with a strict policy, its links do not lead out', async () => {
  const { tempFolder } = await import('../helpers/tempFolder.ts');
  const root = tempFolder();
  mkdirSync(join(root, 'window/assets'), { recursive: true });
  writeFileSync(join(root, 'window/index.html'), '<!doctype html><title>Emulsion</title>');
  writeFileSync(join(root, 'window/assets/app.js'), 'void 0');
  writeFileSync(join(root, 'secret.txt'), 'TOP SECRET');
  symlinkSync(join(root, 'secret.txt'), join(root, 'window/leak.txt'));
  const { origin } = await startStudio({ windowDir: join(root, 'window') });
  const page = await raw(origin, '/');
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  });
  expect(page.headers['content-security-policy']).toContain("default-src 'self'");
  expect((await raw(origin, '/assets/app.js')).headers['content-type']).toBe(
    'text/javascript; charset=utf-8',
  );
  expect((await raw(origin, '/leak.txt')).status).toBe(404);
});

test('uploads are streamed with a limit, and leave nothing behind when they fail', async () => {
  const { origin, server, client } = await setUp();
  const send = (
    kind: string,
    name: string,
    body: string | Uint8Array<ArrayBuffer> | ReadableStream,
    token = server.token,
  ) =>
    fetch(`${origin}/upload/${kind}?name=${encodeURIComponent(name)}`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      duplex: 'half',
    } as RequestInit);
  expect((await send('picture', 'a.png', readFileSync(PICTURE), 'wrong')).status).toBe(403);
  const picture = await send('picture', 'a.png', readFileSync(PICTURE));
  expect(await picture.json()).toMatchObject({
    image: { width: expect.any(Number), image: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
  });
  const broken = await send('model', '../../evil.safetensors', Buffer.alloc(100));
  expect(broken.status).toBe(400);
  expect(await broken.json()).toMatchObject({
    code: 'bad-input',
    message: expect.stringMatching(/^evil\.safetensors: /),
    hint: 'Nothing was added to the library.',
  });
  const model = (await (
    await send('model', '../../good.safetensors', readFileSync(TINY_CHECKPOINT))
  ).json()) as {
    path: string;
  };
  expect(model.path.startsWith(server.services.folder.outbox)).toBe(true);
  expect(await client.models.inspect({ path: model.path })).toMatchObject({
    type: 'checkpoint',
    state: 'ready',
  });
  const project = (await (await send('project', 'no.emulsion', 'no project')).json()) as { path: string };
  await expect(client.projects.openFile({ path: project.path })).rejects.toThrow(
    /^no\.emulsion is not a project/,
  );
  expect((await send('picture', 'a.png', 'not a picture')).status).toBe(400);
  expect((await send('nonsense', 'a', 'x')).status).toBe(400);
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(8 << 20)),
  });
  const refused = await send('picture', 'huge.png', endless).then(
    (answer) => answer.status,
    () => 'cut',
  );
  expect([413, 'cut']).toContain(refused);
  const { readdirSync } = await import('node:fs');
  const left = readdirSync(server.services.folder.outbox).filter((name) => name.startsWith('incoming-'));
  expect(left).toHaveLength(1);
});
