import { MessageChannel } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRouter } from '../../main/app/handlers.ts';
import { createTransport, portChannel } from '../../main/app/transport.ts';
import { contract, type StudioClient } from '../../preload/contract.ts';
import { startStudio } from '../helpers/studio.ts';

const CALLS = Object.entries(contract).flatMap(([group, calls]) =>
  '~orpc' in calls ? [] : Object.keys(calls).map((call) => `${group}/${call}`),
);
/** Calls whose valid form would change or wait for the machine itself; malformed forms of them are sent all the same. */
const WEIRD = fc.oneof(
  fc.constantFrom('', 'x'.repeat(300), '../../etc/passwd', '\u0000', '💥', '__proto__', 'NaN'),
  fc.constantFrom(-1, 0, 1e308, 2 ** 53, -0.5, 9e15),
  fc.constantFrom(null, true, [], {}, [[[]]], { __proto__: null }),
);
const FIELDS = [
  'id',
  'ids',
  'request',
  'patch',
  'image',
  'path',
  'paths',
  'limit',
  'text',
  'seed',
  'source',
  'input',
  'document',
  'cursor',
  'file',
];
const body = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(fc.constantFrom(...FIELDS), fc.oneof(WEIRD, fc.jsonValue({ maxDepth: 2 })), { maxKeys: 5 }),
  WEIRD,
);
/** A frame of the right outer form with a wrong payload, a damaged frame, or bytes. */
const message = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...CALLS), body)
      .map(([call, json]) => JSON.stringify({ i: '9', p: { u: `/${call}`, b: { json, meta: [] } } })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...CALLS), fc.jsonValue())
      .map(([call, b]) => JSON.stringify({ i: '9', p: { u: `/${call}`, b } })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.string(), fc.jsonValue())
      .map(([u, b]) => JSON.stringify({ i: '9', p: { u: `/${u}`, b } })),
  },
  { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
  {
    weight: 1,
    arbitrary: fc
      .record({ i: fc.jsonValue(), t: fc.jsonValue(), p: fc.jsonValue() })
      .map((value) => JSON.stringify(value)),
  },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
);

/** Valid by chance and with effects on the machine: not what this test is about. */
const HARMLESS = (data: string | Uint8Array) =>
  typeof data !== 'string' ||
  !/"\/(app\/(selfTest|devices)|models\/rescan|queue\/(stop|pause|resume))/.test(data);

test('5 000 malformed messages: errors, and the studio keeps running', { timeout: 300_000 }, async () => {
  const { origin, server, client } = await startStudio();
  const rejections: unknown[] = [];
  const note = (reason: unknown) => void rejections.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/rpc?token=${server.token}`);
  onTestFinished(() => socket.terminate());
  await new Promise((resolve) => socket.once('open', resolve));
  let answers = 0;
  let successes = 0;
  socket.on('message', (data: Buffer) => {
    answers += 1;
    const { p } = JSON.parse(data.toString()) as { p?: { s?: number } };
    if ((p?.s ?? 200) < 400) successes += 1;
  });
  const messages = fc.sample(message, { numRuns: 5600, seed: 1 }).filter(HARMLESS).slice(0, 5000);
  expect(messages).toHaveLength(5000);
  for (const [index, data] of messages.entries()) {
    socket.send(typeof data === 'string' ? data.replace('"i":"9"', `"i":"m${index}"`) : data);
    if (index % 250 === 249) expect((await client.settings.get()).theme).toBe('dark');
  }
  for (let before = -1; before !== answers; ) {
    before = answers;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  expect(answers).toBeGreaterThan(4500);
  expect(successes).toBeLessThan(answers / 2);
  expect(rejections).toEqual([]);
  expect(server.services.db.value('PRAGMA integrity_check')).toBe('ok');
});

test('every call of the contract is answered by the router, and refuses nonsense in words', async () => {
  const { server } = await startStudio();
  const { port1, port2 } = new MessageChannel();
  createTransport(createRouter(server.services)).connect(portChannel(port1));
  onTestFinished(() => port1.close());
  const client: StudioClient = createORPCClient(new RPCLink({ port: port2 as never }));
  const calls = client as unknown as Record<string, Record<string, (input: unknown) => Promise<unknown>>>;
  expect(await client.settings.get()).toMatchObject({ theme: 'dark' });
  expect(CALLS.length).toBeGreaterThan(80);
  const definitions = contract as unknown as Record<
    string,
    Record<string, { '~orpc': { inputSchema?: unknown } }>
  >;
  for (const name of CALLS) {
    const [group = '', call = ''] = name.split('/');
    const takesInput = definitions[group]?.[call]?.['~orpc'].inputSchema !== undefined;
    if (!takesInput) continue;
    const error = await calls[group]![call]!('nonsense').then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error, name).toMatchObject({
      code: 'bad-input',
      message: expect.any(String),
      data: { hint: expect.any(String) },
    });
  }
});
