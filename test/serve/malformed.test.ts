/** Requests that are none, in one way or another: each is answered like every other mistake of a caller. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startStudio } from '../helpers/studio.ts';

/** Writes the bytes as they are and reads until the server ends the connection. */
async function answerTo(origin: string, text: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  let answer = '';
  socket.on('data', (part) => (answer += part));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return answer;
}

const request = (origin: string, line: string, headers = '') =>
  `${line} HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nConnection: close\r\n${headers}\r\n`;

test('addresses and bodies that cannot be read are answered with code, message and next step', async () => {
  const { origin } = await startStudio();
  const json = 'Content-Type: application/json\r\n';
  const requests = [
    request(origin, 'GET /%'),
    request(origin, 'GET /%zz/%c3'),
    request(origin, 'POST /prompt%'),
    request(origin, 'GET /files/picture/%E0%A4'),
    request(origin, `GET /files/picture/${'1'.repeat(5000)}?key=x`),
    request(origin, `GET /history/${'1'.repeat(5000)}`),
    `${request(origin, 'POST /prompt', `${json}Content-Length: 3\r\n`)}{"a`,
    `${request(origin, 'POST /prompt', 'Content-Type: text/nonsense\r\nContent-Length: 1\r\n')}a`,
    `${request(origin, 'POST /prompt', `${json}Content-Length: 99999999999\r\n`)}{`,
    // Never a request at all: these are Node's to refuse.
    'nonsense\r\n\r\n',
    request(origin, 'GET /a b'),
    request(origin, 'GET /', `X: ${'x'.repeat(20_000)}\r\n`),
    request(origin, 'GET /', 'Content-Length: -1\r\n'),
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ];
  for (const text of requests) {
    const answer = await answerTo(origin, text);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head, text.slice(0, 200)).toMatch(/^HTTP\/1\.1 (4\d\d) /);
    const code = expect.stringMatching(/^(bad-input|too-large|not-found|not-allowed)$/);
    const [message, hint] = [expect.stringMatching(/./), expect.stringMatching(/\.$/)];
    expect(JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)), text.slice(0, 200)).toEqual({
      ...{ code, message, hint },
      detail: expect.any(String),
    });
  }
});

test('a long name in any script is a name like others', async () => {
  const { origin, server } = await startStudio();
  const { folder, options } = server.services;
  const name = `${'画像'.repeat(30)}${'x'.repeat(60)}.png`;
  writeFileSync(join(folder.outbox, name), 'here');
  const answer = await fetch(origin + options.urls.of('outbox', name));
  expect([answer.status, await answer.text()]).toEqual([200, 'here']);
});
