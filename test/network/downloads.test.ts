import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Library } from '../../main/library/library.ts';
import { lookUpModel } from '../../main/network/civitai.ts';
import { Downloads } from '../../main/network/downloads.ts';
import { createGate, readNetworkLog } from '../../main/network/gate.ts';
import { safeName } from '../../main/network/sources.ts';
import type { Download } from '../../preload/models.ts';
import { LORA, writeModel } from '../helpers/modelFiles.ts';
import { plainUrls, tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { unexpected } from '../helpers/unexpected.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function setUp(handler: Handler, { locked = false } = {}) {
  const root = tempFolder();
  const modelsDir = join(root, 'models');
  mkdirSync(modelsDir);
  const url = await serve(handler);
  const db = tempDatabase();
  const gate = createGate({
    db,
    locked: () => locked,
    now: () => 1,
    onEntry: () => undefined,
    version: 'test',
  });
  const library = new Library({
    ...{
      db,
      urls: plainUrls,
      modelsDir,
      emit: () => undefined,
      now: () => 1,
      report: unexpected,
      mayHash: () => false,
      watch: false,
    },
    moveToBin: async (path) => rmSync(path),
  });
  const told: Download[] = [];
  const troubles: string[] = [];
  const hosts = { huggingFace: url, civitai: url };
  const downloads = new Downloads({
    db,
    gate,
    hosts,
    library,
    modelsDir,
    emit: (download) => told.push(download),
    report: ({ message }, error) => troubles.push(`${message} ${error}`),
    retryMs: 1,
  });
  onTestFinished(() => downloads.close());
  const ended = async (id: number): Promise<Download> => {
    for (;;) {
      const found = downloads.list().find((download) => download.id === id);
      if (found && !['waiting', 'running'].includes(found.state)) return found;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { root, modelsDir, url, db, gate, library, downloads, told, troubles, ended, hosts };
}

/** A LoRA with 300 KB behind its tensors' header, so that it arrives in several pieces. */
function modelBytes(folder: string): Buffer {
  const path = join(folder, 'made.safetensors');
  writeModel(path, { ...LORA, filler: [150_000] });
  return readFileSync(path);
}

/** Serves ranges of `bytes` correctly. */
function sendRange(
  bytes: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
  limit = Number.POSITIVE_INFINITY,
): void {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const resumed = start > 0 && request.headers['if-range'] === '"v1"';
  const rest = resumed ? bytes.subarray(start) : bytes;
  response.writeHead(resumed ? 206 : 200, {
    etag: '"v1"',
    'content-length': rest.length,
    ...(resumed && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (rest.length <= limit) response.end(rest);
  // What has not been read when the line is cut is lost, so a busy machine gets its time.
  else response.write(rest.subarray(0, limit), () => setTimeout(() => response.destroy(), 150));
}

test('a cut line is resumed by itself, the sum is checked, and the model is in the library', async () => {
  let bytes: Buffer = Buffer.alloc(0);
  const ranges: (string | undefined)[] = [];
  const { downloads, ended, url, root, modelsDir, db } = await setUp((request, response) => {
    ranges.push(request.headers.range);
    sendRange(bytes, request, response, 120_000);
  });
  bytes = modelBytes(root);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { id } = await downloads.start(`${url}/files/some%20lora.safetensors?x=1`, sha256, 'lora');
  const done = await ended(id);
  expect(done).toMatchObject({
    state: 'done',
    error: null,
    bytes: bytes.length,
    modelId: expect.any(Number),
  });
  expect(ranges.length).toBeGreaterThanOrEqual(3);
  expect(ranges[0]).toBeUndefined();
  expect(ranges.filter((range) => /bytes=\d+-/.test(range ?? '')).length).toBeGreaterThan(0);
  expect(readFileSync(join(modelsDir, 'loras/some lora.safetensors')).equals(bytes)).toBe(true);
  expect(
    readNetworkLog(db, 10).every((entry) => entry.url.startsWith(url) && entry.purpose === 'download'),
  ).toBe(true);
});

test('pause keeps the beginning, resume goes on from it, cancel removes it', async () => {
  const bytes = randomBytes(400_000);
  const starts: number[] = [];
  const { downloads, url, modelsDir, told } = await setUp((request, response) => {
    starts.push(Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0));
    response.writeHead(starts.at(-1) ? 206 : 200, {
      etag: '"v1"',
      'content-length': bytes.length - starts.at(-1)!,
    });
    response.write(bytes.subarray(starts.at(-1), starts.at(-1)! + 100_000));
  });
  const { id } = await downloads.start(`${url}/a.safetensors`);
  const received = async (count: number) => {
    while (!told.some((download) => download.bytes >= count))
      await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await received(1);
  expect((await downloads.pause(id)).state).toBe('paused');
  const part = join(modelsDir, 'downloads/a.safetensors.part');
  expect(existsSync(part)).toBe(true);
  downloads.resume(id);
  while (starts.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(starts[1]).toBeGreaterThan(0);
  await downloads.cancel(id);
  expect(existsSync(part)).toBe(false);
  expect(downloads.list()[0]).toMatchObject({ state: 'cancelled' });
});

const badServers: Record<string, { handler: Handler; error: RegExp }> = {
  'a web page': {
    handler: (_, response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'),
    error: /web page/,
  },
  'a missing file': { handler: (_, response) => response.writeHead(404).end(), error: /does not exist/ },
  'a log-in': { handler: (_, response) => response.writeHead(401).end(), error: /log-in/ },
  'an endless redirect': {
    handler: (request, response) => response.writeHead(302, { location: `${request.url}x` }).end(),
    error: /redirects without end/,
  },
  'a redirect to an unencrypted address': {
    handler: (_, response) => response.writeHead(302, { location: 'http://example.invalid/file' }).end(),
    error: /not an encrypted address/,
  },
  'a length beyond any disk': {
    handler: (_, response) => {
      response.writeHead(200, { 'content-length': String(2 ** 52) });
      response.write('x');
    },
    error: /free/,
  },
  'always cut': {
    handler: (_, response) => {
      response.writeHead(200, { 'content-length': '1000000', etag: '"v1"' });
      response.write('x'.repeat(1000), () => setTimeout(() => response.destroy(), 5));
    },
    error: /cut/,
  },
};

test.each(Object.keys(badServers))('%s is refused with a reason', async (name) => {
  const { handler, error } = badServers[name]!;
  const { downloads, ended, url } = await setUp(handler);
  const { id } = await downloads.start(`${url}/a.safetensors`);
  const failed = await ended(id);
  expect(failed.state).toBe('failed');
  expect(failed.error?.message).toMatch(error);
  expect(failed.error?.hint).not.toBe('');
});

test('a wrong sum removes what was fetched', async () => {
  const { downloads, ended, url, modelsDir } = await setUp((_, response) => response.end('wrong contents'));
  const { id } = await downloads.start(`${url}/a.safetensors`, '0'.repeat(64));
  expect((await ended(id)).error?.message).toMatch(/expected sha256/);
  expect(existsSync(join(modelsDir, 'downloads/a.safetensors.part'))).toBe(false);
  expect(existsSync(join(modelsDir, 'downloads/a.safetensors'))).toBe(false);
});

test('a file that changed between two connections is fetched anew, not patched together', async () => {
  let version = 1;
  const bodies = [Buffer.alloc(200_000, 1), Buffer.alloc(200_000, 2)];
  const { downloads, ended, url, modelsDir } = await setUp((request, response) => {
    const body = bodies[version - 1]!;
    const same = request.headers['if-range'] === `"v${version}"`;
    expect(same).toBe(false);
    response.writeHead(200, { etag: `"v${version}"`, 'content-length': body.length });
    if (version === 2) response.end(body);
    else response.write(body.subarray(0, 90_000), () => setTimeout(() => response.destroy(), 20));
    version = 2;
  });
  const { id } = await downloads.start(`${url}/a.bin`);
  await ended(id);
  expect(readFileSync(join(modelsDir, 'downloads/a.bin')).equals(bodies[1]!)).toBe(true);
});

test('the lock lets nothing out, and says so in the log', async () => {
  let asked = 0;
  const { downloads, ended, url, db } = await setUp(() => (asked += 1), { locked: true });
  const { id } = await downloads.start(`${url}/a.safetensors`);
  expect((await ended(id)).error).toMatchObject({ code: 'locked' });
  expect(asked).toBe(0);
  expect(readNetworkLog(db, 1)).toMatchObject([{ outcome: 'refused: locked' }]);
});

test('locked in the middle: the connection is cut, what waits stays, and both go on after unlocking', async () => {
  const asked: string[] = [];
  const { downloads, url, told } = await setUp((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, { etag: '"v1"', 'content-length': 400_000 });
    response.write(Buffer.alloc(100_000));
  });
  const running = await downloads.start(`${url}/a.safetensors`);
  const waiting = await downloads.start(`${url}/b.safetensors`);
  await expect.poll(() => told.some(({ bytes }) => bytes > 0)).toBe(true);
  await downloads.pauseAll();
  expect(downloads.list().map(({ id, state }) => [id, state])).toEqual([
    [waiting.id, 'paused'],
    [running.id, 'paused'],
  ]);
  expect(asked).toEqual(['/a.safetensors']);
  downloads.resume(running.id);
  await expect.poll(() => asked.length).toBe(2);
});

test('a server that announces less than the file has: the cut model is refused with the reason, and kept to be seen', async () => {
  let bytes: Buffer = Buffer.alloc(0);
  const { downloads, ended, url, root, db } = await setUp((_, response) => {
    response.writeHead(200, { 'content-length': 200_000 });
    response.end(bytes.subarray(0, 200_000));
  });
  bytes = modelBytes(root);
  const { id } = await downloads.start(`${url}/short.safetensors`);
  expect(await ended(id)).toMatchObject({
    state: 'failed',
    error: { code: 'bad-input', message: expect.stringContaining('cut off: 200000 of') },
  });
  expect(db.column('SELECT state FROM models')).toEqual(['broken']);
});

test('a Hugging Face id finds the one model file, or asks for its name', async () => {
  let files = ['model.safetensors', 'unet/other.safetensors', 'README.md'];
  const { downloads, url } = await setUp((request, response) => {
    if (request.url?.startsWith('/api/models/owner/name')) {
      response.end(JSON.stringify({ siblings: files.map((rfilename) => ({ rfilename })) }));
    } else response.writeHead(404).end();
  });
  expect(await downloads.start('owner/name')).toMatchObject({ fileName: 'model.safetensors' });
  expect(await downloads.start('owner/name/sub dir/x.safetensors')).toMatchObject({
    fileName: 'x.safetensors',
  });
  files = ['a.safetensors', 'b.safetensors'];
  await expect(downloads.start('owner/name')).rejects.toThrow(
    /has 2 model files: a.safetensors, b.safetensors/,
  );
  await expect(downloads.start('not an address')).rejects.toThrow(/neither an address/);
  await expect(downloads.start('ftp://host/file')).resolves.toMatchObject({
    state: expect.stringMatching(/waiting|running/),
  });
  expect(url).toBeTruthy();
});

test('file names from outside are names only', () => {
  expect(safeName('/a/../../etc/passwd')).toBe('passwd');
  expect(safeName('..\\..\\boot.ini')).toBe('boot.ini');
  expect(safeName('/...')).toBe('download.safetensors');
  expect(safeName('/a:b*c?.safetensors')).toBe('a_b_c_.safetensors');
});

test('looking a model up fills in what the user has not written', async () => {
  const { db, gate, hosts, library, modelsDir, root } = await setUp((request, response) => {
    if (!request.url?.endsWith('ab'.repeat(32))) return response.writeHead(404).end();
    return response.end(
      JSON.stringify({
        trainedWords: ['magic'],
        description: '<b>Good</b>',
        model: { name: 'Named' },
        extra: 1,
      }),
    );
  });
  writeModel(join(modelsDir, 'x.safetensors'), LORA);
  await library.rescan();
  const [id] = db.column<number>('SELECT id FROM models');
  await expect(lookUpModel(db, gate, hosts, id!)).rejects.toThrow(/no hash yet/);
  db.run('UPDATE models SET sha256 = ?', 'ab'.repeat(32));
  await lookUpModel(db, gate, hosts, id!);
  expect(db.get('SELECT name, found_triggers AS triggers, description FROM models')).toEqual({
    name: 'Named',
    triggers: '["magic"]',
    description: 'Good',
  });
  expect(root).toBeTruthy();
});

test('a line that is cut again and again gets there as long as each piece is new', async () => {
  let bytes: Buffer = Buffer.alloc(0);
  let cuts = 0;
  const { downloads, ended, url, root } = await setUp((request, response) => {
    cuts++;
    sendRange(bytes, request, response, 40_000);
  });
  bytes = modelBytes(root);
  const { id } = await downloads.start(`${url}/piecemeal.safetensors`, undefined, 'lora');
  expect(await ended(id)).toMatchObject({ state: 'done', error: null, bytes: bytes.length });
  expect(cuts).toBeGreaterThan(6);
});

test('a long name in any script fits a file system, and keeps its ending', () => {
  for (const letter of ['x', '画', '𠮷']) {
    const name = safeName(`folder/${letter.repeat(300)}.safetensors`);
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
    expect(name).toMatch(new RegExp(`^${letter}{40,}\\.safetensors$`, 'u'));
  }
  expect(safeName(`a.${'b'.repeat(300)}`)).toMatch(/^a\.b{198}$/);
  expect(['', '..', '/'].map(safeName)).toEqual(Array(3).fill('download.safetensors'));
});

test('an address with percent signs that mean nothing still has a name', async () => {
  const { downloads, url } = await setUp((_request, response) => void response.writeHead(404).end());
  expect((await downloads.start(`${url}/50%_%c3.safetensors`)).fileName).toBe('50___c3.safetensors');
});

test('a database that takes no word of how a download ended stops neither the studio nor what can be resumed', async () => {
  const { downloads, ended, url, db, root, troubles } = await setUp((request, response) => {
    if (request.url?.includes('bad')) response.writeHead(404).end();
    else sendRange(modelBytes(root), request, response);
  });
  db.run(
    "CREATE TRIGGER full BEFORE UPDATE OF state ON downloads WHEN NEW.state = 'failed' BEGIN SELECT RAISE(FAIL, 'disk full'); END",
  );
  const bad = await downloads.start(`${url}/bad.safetensors`, undefined, 'lora');
  await expect.poll(() => troubles).toEqual([expect.stringMatching(/^How a download ended .+ disk full$/)]);
  db.run('DROP TRIGGER full');
  expect((await ended((await downloads.start(`${url}/a.safetensors`, undefined, 'lora')).id)).state).toBe(
    'done',
  );
  downloads.resume(bad.id);
  expect((await ended(bad.id)).state).toBe('failed');
});
