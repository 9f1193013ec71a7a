import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { answerFile } from '../../main/files/answer.ts';
import { startStudio } from '../helpers/studio.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

/** A file as it was found, with `change` made to it before it is read. */
function answerAfter(change: (path: string) => void, range?: string) {
  const path = join(tempFolder(), 'file');
  writeFileSync(path, '0123456789');
  const { size, mtimeMs } = statSync(path);
  const answer = answerFile({ path, size, modified: mtimeMs, type: 'text/plain' }, range, undefined);
  change(path);
  return answer;
}

const text = async (answer: ReturnType<typeof answerAfter>) => (await buffer(answer.body!)).toString();

test('a file that changes after it was found gives what was announced, or breaks off', async () => {
  expect(await text(answerAfter(() => undefined))).toBe('0123456789');
  expect(await text(answerAfter((path) => writeFileSync(path, '0123456789 and more')))).toBe('0123456789');
  expect(await text(answerAfter((path) => writeFileSync(path, '0123456789 more'), 'bytes=4-'))).toBe(
    '456789',
  );
  await expect(text(answerAfter((path) => truncateSync(path, 4)))).rejects.toMatchObject({
    code: 'file-changed',
  });
  await expect(text(answerAfter((path) => rmSync(path)))).rejects.toMatchObject({ code: 'not-found' });
});

test('over HTTP a file that was cut short ends the answer, and its reader does not wait', async () => {
  const { origin, server } = await startStudio();
  const { folder, options } = server.services;
  const path = join(folder.outbox, 'large.bin');
  writeFileSync(path, Buffer.alloc(64 << 20));
  const answer = await fetch(origin + options.urls.of('outbox', 'large.bin'));
  expect(answer.headers.get('content-length')).toBe(String(64 << 20));
  const reader = answer.body!.getReader();
  await reader.read();
  truncateSync(path, 0);
  const rest = async () => {
    for (;;) if ((await reader.read()).done) return;
  };
  await expect(rest()).rejects.toThrow();
});
