/** Of the runs of live mode only the newest counts, and none once the canvas has changed. */
import { expect, it } from 'vitest';
import { isLiveRun, isOutdated, outdateLive, startedLive } from '../../../renderer/stores/live.ts';

it('forgets a run when another starts or the canvas changes, and hands it over to be stopped once', () => {
  expect(outdateLive()).toBeNull();
  startedLive(1);
  expect([isLiveRun(1), isOutdated(1)]).toEqual([true, false]);
  startedLive(2);
  expect([isOutdated(1), isOutdated(2)]).toEqual([true, false]);
  expect(outdateLive()).toBe(2);
  expect(isOutdated(2)).toBe(true);
  expect(outdateLive()).toBeNull();
  // What the user asked for is nobody's past.
  expect([isLiveRun(3), isOutdated(3)]).toEqual([false, false]);
});
