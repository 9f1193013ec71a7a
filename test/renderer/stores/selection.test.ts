/** Selecting on the wall: one, a range, and what an action on one picture then means. */
import { beforeEach, expect, it } from 'vitest';
import type { Picture } from '../../../preload/history.ts';
import { useHistory } from '../../../renderer/stores/history.ts';
import {
  clearSelection,
  meantBy,
  selectTo,
  toggleSelected,
  useSelection,
} from '../../../renderer/stores/selection.ts';

/** Pictures 100, 101, … at the places 0, 1, …; the one at place 2 is not loaded. */
const wall = [0, 1, 3, 4].map((place) => [place, { id: 100 + place } as Picture] as const);
const selected = () => [...useSelection.getState().ids].sort();

beforeEach(() => {
  useHistory.setState({ pictures: new Map(wall), total: 5 });
  clearSelection();
});

it('takes pictures in and out one by one', () => {
  toggleSelected(100, 0);
  toggleSelected(103, 3);
  expect(selected()).toEqual([100, 103]);
  toggleSelected(100, 0);
  expect(selected()).toEqual([103]);
});

it('takes a range from the last one, both ways, and passes over what is not loaded', () => {
  toggleSelected(103, 3);
  selectTo(1);
  expect(selected()).toEqual([101, 103]);
  selectTo(4);
  expect(selected()).toEqual([101, 103, 104]);
  clearSelection();
  selectTo(4);
  expect(selected()).toEqual([104]);
});

it('means all of them by one of them, and another picture alone', () => {
  toggleSelected(100, 0);
  toggleSelected(101, 1);
  expect(meantBy(101)).toEqual([100, 101]);
  expect(meantBy(104)).toEqual([104]);
});

it('ends with another look at the history', () => {
  toggleSelected(100, 0);
  useHistory.setState(({ filter }) => ({ filter: { ...filter, minRating: 3 } }));
  expect(selected()).toEqual([]);
});
