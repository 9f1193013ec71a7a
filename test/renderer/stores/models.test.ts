/** Which card a reference means: the same file first, then the same contents, then the same name. */
import { expect, it } from 'vitest';
import type { ModelCard } from '../../../preload/models.ts';
import { cardOf } from '../../../renderer/stores/models.ts';

const card = (id: number, name: string, sha256: string | null): ModelCard =>
  ({ id, path: `/m/${name}`, sha256, ref: { name } }) as unknown as ModelCard;
const cards = [
  card(1, 'first', 'aa'),
  card(2, 'copy', 'aa'),
  card(3, 'other', 'bb'),
  card(4, 'unread', null),
];

it('tells copies of one file apart by where they lie', () => {
  expect(cardOf(cards, { name: 'copy', path: '/m/copy', sha256: 'aa' })?.id).toBe(2);
  expect(cardOf(cards, { name: 'first', path: '/m/first', sha256: 'aa' })?.id).toBe(1);
});

it('finds the same contents elsewhere, else the same file, else the name', () => {
  expect(cardOf(cards, { name: 'gone', path: '/old/gone', sha256: 'bb' })?.id).toBe(3);
  expect(cardOf(cards, { name: 'gone', path: '/m/unread', sha256: 'cc' })?.id).toBe(4);
  expect(cardOf(cards, { name: 'other' })?.id).toBe(3);
  expect(cardOf(cards, { name: 'nobody' })).toBeUndefined();
  expect(cardOf(cards, null)).toBeUndefined();
});
