/** Notices of something long: its state changes below its name, closing it by hand stops it, its end removes it. */
import { beforeEach, expect, test, vi } from 'vitest';
import { closeNotice, showInfo, showWork, useNotices } from '../../../renderer/stores/notices.ts';

const shown = () => useNotices.getState().shown;

beforeEach(() => useNotices.setState({ shown: [] }));

test('work tells how far it is, until it is done', () => {
  const stop = vi.fn();
  showInfo('Something else');
  const work = showWork('Taking in a.safetensors…', stop);
  work.tell('40 %, 3 s left.');
  expect(shown().map(({ error }) => [error.message, error.hint])).toEqual([
    ['Something else', ''],
    ['Taking in a.safetensors…', '40 %, 3 s left.'],
  ]);
  work.done();
  expect(shown().map(({ error }) => error.message)).toEqual(['Something else']);
  expect(stop).not.toHaveBeenCalled();
});

test('closed by hand it is stopped, and what it tells afterwards shows nothing', () => {
  const stop = vi.fn();
  const work = showWork('Taking in a.safetensors…', stop);
  closeNotice(shown()[0]!);
  expect(stop).toHaveBeenCalledOnce();
  work.tell('50 %');
  work.done();
  expect(shown()).toEqual([]);
});
