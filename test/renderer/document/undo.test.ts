/** Undo: random action sequences come back to the byte; gestures are one entry; entries survive JSON. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action } from '../../../renderer/document/actions.ts';
import { emptyDocument } from '../../../renderer/document/document.ts';
import { paintLayer } from '../../../renderer/document/layer.ts';
import {
  act,
  amend,
  canRedo,
  canUndo,
  endGesture,
  redo,
  startTimeline,
  undo,
} from '../../../renderer/document/undo.ts';

const start = () => startTimeline(emptyDocument({ width: 512, height: 512 }));
const seed = (value: string): Action => ({ type: 'draft changed', change: { seed: value } });
const stroke = { points: [1, 2, 0.5, 3, 4, 0.7], size: 9, hardness: 1, opacity: 1 };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom('a', 'b', 'c').map((id): Action => ({ type: 'layer added', layer: paintLayer(id, id) })),
  fc.constantFrom('a', 'b', 'zz').map((id): Action => ({ type: 'layer removed', id })),
  fc
    .record({ id: fc.constantFrom('a', 'b', 'c'), x: fc.integer(), opacity: fc.double({ min: 0, max: 1 }) })
    .map(({ id, x, opacity }): Action => ({ type: 'layer changed', id, change: { x, opacity } })),
  fc.constantFrom<1 | -1>(1, -1).map((by): Action => ({ type: 'layer raised', id: 'a', by })),
  fc.constant<Action>({
    type: 'layer painted',
    id: 'b',
    operation: { kind: 'stroke', stroke, colour: '#123456', erase: false },
  }),
  fc.constant<Action>({ type: 'mask painted', operation: { kind: 'stroke', stroke, erase: false } }),
  fc.constant<Action>({ type: 'mask cleared' }),
  fc.integer({ min: -400, max: 400 }).map((grow): Action => ({ type: 'mask shaped', grow })),
  fc.integer({ min: 1, max: 5000 }).map((width): Action => ({ type: 'draft changed', change: { width } })),
  fc.string().map((prompt): Action => ({ type: 'draft changed', change: { prompt } })),
  fc.array(fc.nat()).map((ids): Action => ({ type: 'pictures deleted', ids })),
  fc.array(fc.nat()).map((ids): Action => ({ type: 'pictures taken off', boardId: 1, ids })),
);

describe('undo', () => {
  it('undoing everything gives the first document, redoing everything the last, also through JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(action, fc.constantFrom(null, 'g', 'h')), { maxLength: 40 }), (steps) => {
        const first = start();
        const done = steps.reduce((timeline, [next, gesture]) => act(timeline, next, gesture), first);
        const stored = JSON.parse(JSON.stringify(done.entries));
        let timeline = startTimeline(done.document, stored);
        while (canUndo(timeline)) timeline = undo(timeline);
        expect(timeline.document).toEqual(first.document);
        while (canRedo(timeline)) timeline = redo(timeline);
        expect(timeline.document).toEqual(done.document);
      }),
    );
  });

  it('makes one entry of a gesture and a new one after it', () => {
    const weights = [0.1, 0.2, 0.3].map(
      (denoisingStrength): Action => ({ type: 'draft changed', change: { denoisingStrength } }),
    );
    const dragged = weights.reduce((timeline, next) => act(timeline, next, 'strength'), start());
    expect(dragged.entries).toHaveLength(1);
    expect(dragged.entries[0]!.forward).toHaveLength(1);
    expect(undo(dragged).document.draft.denoisingStrength).toBe(start().document.draft.denoisingStrength);
    const again = act(
      endGesture(dragged),
      { type: 'draft changed', change: { denoisingStrength: 0.9 } },
      'strength',
    );
    expect(again.entries).toHaveLength(2);
  });

  it('passes over what was filled in without an entry, and brings it along when its entry is done again', () => {
    const drawn = amend(act(start(), { type: 'mask shaped', grow: 3 }), seed('77'));
    expect(drawn.entries).toHaveLength(1);
    const undone = undo(drawn);
    expect(undone.document).toMatchObject({ mask: { grow: 0 }, draft: { seed: '77' } });
    const stored = JSON.parse(JSON.stringify(drawn.entries));
    expect(redo(startTimeline(start().document, stored, 0)).document).toEqual(drawn.document);
    expect(amend(start(), seed('77')).document.draft.seed).toBe('77');
    expect(amend(drawn, seed('77'))).toBe(drawn);
    expect(canRedo(amend(undone, seed('78')))).toBe(true);
  });

  it('forgets undone entries when something new is done, and leaves no entry for nothing', () => {
    const once = act(start(), { type: 'sketch cleared' });
    const twice = act(act(start(), { type: 'mask shaped', grow: 3 }), { type: 'mask shaped', grow: 4 });
    const branched = act(undo(twice), { type: 'mask shaped', feather: 2 });
    expect(branched.entries.map((entry) => entry.forward)).toHaveLength(2);
    expect(branched.document.mask).toMatchObject({ grow: 3, feather: 2 });
    expect(act(once, { type: 'layer removed', id: 'none' }).entries).toBe(once.entries);
  });
});
