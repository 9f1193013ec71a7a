import { expect, test } from 'vitest';
import { smallestGraph } from '../../../main/engine/devices/probe.ts';
import { createSession } from '../../../main/engine/runtime/sessions.ts';
import { sessionsOnDemand } from '../../../main/engine/runtime/sessionsOnDemand.ts';

test('a session is made once for every name, again after a release, and tried again where it failed', async () => {
  const made: string[] = [];
  let fails = true;
  const sessions = sessionsOnDemand(async (name: 'text' | 'vision') => {
    made.push(name);
    if (name === 'vision' && fails) throw new Error('no memory');
    return createSession(smallestGraph());
  });
  const [first, same] = await Promise.all([sessions.get('text'), sessions.get('text')]);
  expect(same).toBe(first);
  await expect(sessions.get('vision')).rejects.toThrow('no memory');
  fails = false;
  expect(await sessions.get('vision')).not.toBe(first);
  expect(made).toEqual(['text', 'vision', 'vision']);
  await sessions.release();
  expect(await sessions.get('text')).not.toBe(first);
  await sessions.release();
});

test('one that failed does not hinder the release of the others', async () => {
  const sessions = sessionsOnDemand(async (name: 'right' | 'wrong') => {
    if (name === 'wrong') throw new Error('no memory');
    return createSession(smallestGraph());
  });
  await sessions.get('right');
  await expect(sessions.get('wrong')).rejects.toThrow('no memory');
  await expect(sessions.release()).resolves.toBeUndefined();
});
