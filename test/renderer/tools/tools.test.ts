/** Tools as machines: pointer events in, actions out; one stroke is one action, Escape leaves nothing behind. */
import { describe, expect, it } from 'vitest';
import type { Action } from '../../../renderer/document/actions.ts';
import { emptyDocument } from '../../../renderer/document/document.ts';
import { canvasPoint } from '../../../renderer/document/geometry.ts';
import { paintLayer, pictureLayer } from '../../../renderer/document/layer.ts';
import { act, endGesture, startTimeline, type Timeline, undo } from '../../../renderer/document/undo.ts';
import { startTools } from '../../../renderer/tools/registry.ts';
import type { Effect, ToolContext, ToolEvent, ToolName } from '../../../renderer/tools/tool.ts';

const brush = { size: 20, hardness: 0.8, opacity: 1, colour: '#ff0000' };
type Press = [type: ToolEvent['type'], x: number, y: number, keys?: Partial<ToolEvent>];

/** Plays pointer events on a tool and does what it asks for, as the canvas does. */
function play(name: ToolName, presses: readonly Press[], from: Partial<ToolContext> = {}, start?: Timeline) {
  const tool = startTools()[name];
  let timeline = start ?? startTimeline(emptyDocument({ width: 512, height: 512 }));
  const all: Effect[] = [];
  let ids = 0;
  for (const [type, x, y, keys] of presses) {
    const context: ToolContext = {
      document: timeline.document,
      view: { zoom: 1, x: 0, y: 0 },
      brush,
      target: 'layer',
      newId: () => `new${ids++}`,
      ...from,
    };
    const event = { type, point: canvasPoint(x, y), pressure: 0.5, shift: false, alt: false, ...keys };
    for (const effect of tool.handle(event, context)) {
      all.push(effect);
      if (effect.do === 'act') timeline = act(timeline, effect.action, effect.gesture ?? null);
      if (effect.do === 'end gesture') timeline = endGesture(timeline);
    }
  }
  return { timeline, effects: all };
}

const line: Press[] = [
  ['down', 10, 10],
  ['move', 30, 10],
  ['move', 30.2, 10],
  ['move', 60, 12],
  ['up', 60, 12],
];

describe('painting', () => {
  it('makes one mask operation of a stroke, leaves out points that say nothing, and erases with Alt', () => {
    const { timeline } = play('mask', line);
    const [operation] = timeline.document.mask.operations;
    expect(operation).toMatchObject({
      kind: 'stroke',
      erase: false,
      stroke: { size: 20, points: [10, 10, 0.5, 30, 10, 0.5, 60, 12, 0.5] },
    });
    const erased = play('mask', [
      ['down', 5, 5, { alt: true }],
      ['up', 5, 5],
    ]).timeline.document.mask.operations[0];
    expect(erased).toMatchObject({ erase: true });
  });

  it('shows each new point once while painting', () => {
    const shown = play('mask', line).effects.flatMap((effect) =>
      effect.do === 'show stroke' ? [effect.live.from] : [],
    );
    expect(shown).toEqual([0, 1, 2]);
  });

  it('shows a stroke at the opacity of the layer that it will be part of', () => {
    const file = { image: { sha256: '0'.repeat(64) }, width: 512, height: 512 };
    const photo = { ...pictureLayer('p', 'Photo', file, { x: 0, y: 0 }), opacity: 0.4 };
    const empty = emptyDocument({ width: 512, height: 512 });
    const opacities = (name: ToolName, layer: typeof photo) =>
      play(
        name,
        line,
        {},
        startTimeline({ ...empty, layers: [layer], activeLayer: layer.id }),
      ).effects.flatMap((effect) => (effect.do === 'show stroke' ? [effect.live.layerOpacity] : []));
    const sheet = { ...paintLayer('s', 'Sheet'), opacity: 0.4 };
    expect(opacities('brush', sheet)).toEqual([0.4, 0.4, 0.4]);
    expect(opacities('eraser', photo)).toEqual([0.4, 0.4, 0.4]);
    // A new sheet, which is opaque.
    expect(opacities('brush', photo)).toEqual([1, 1, 1]);
    expect(opacities('brush', { ...sheet, visible: false })).toEqual([1, 1, 1]);
    expect(opacities('mask', sheet)).toEqual([1, 1, 1]);
  });

  it('adds a sheet above a picture on the first brush stroke, as one undo entry, and paints on in it', () => {
    const picture = pictureLayer(
      'p',
      'Photo',
      { image: { sha256: '0'.repeat(64) }, width: 512, height: 512 },
      { x: 0, y: 0 },
    );
    const placed = act(startTimeline(emptyDocument({ width: 512, height: 512 })), {
      type: 'picture placed',
      layer: picture,
      clearMask: false,
    });
    const once = play('brush', line, {}, placed).timeline;
    expect(once.document.layers.map((layer) => layer.paint.length)).toEqual([0, 1]);
    expect(once.entries).toHaveLength(2);
    const twice = play('brush', line, {}, once).timeline;
    expect(twice.document.layers.map((layer) => layer.paint.length)).toEqual([0, 2]);
    expect(undo(once).document).toEqual(placed.document);
  });

  it('adds the sheet right above the active picture, not over what covers it, and never paints out of sight', () => {
    const photo = (id: string) =>
      pictureLayer(id, id, { image: { sha256: '0'.repeat(64) }, width: 9, height: 9 }, { x: 0, y: 0 });
    const actions: Action[] = [
      { type: 'picture placed', layer: photo('back'), clearMask: false },
      { type: 'picture placed', layer: photo('front'), clearMask: false },
      { type: 'layer chosen', id: 'back' },
    ];
    const two = actions.reduce(
      (timeline, action) => act(timeline, action),
      startTimeline(emptyDocument({ width: 512, height: 512 })),
    );
    const painted = play('brush', line, {}, two).timeline;
    expect(painted.document.layers.map(({ id }) => id)).toEqual(['back', 'new0', 'front']);
    const hidden = act(painted, { type: 'layer changed', id: 'new0', change: { visible: false } });
    const again = play('brush', line, { newId: () => 'seen' }, hidden).timeline.document;
    expect(again.layers.map(({ id, paint }) => [id, paint.length])).toEqual([
      ['back', 0],
      ['new0', 1],
      ['seen', 1],
      ['front', 0],
    ]);
    expect(play('eraser', line, {}, hidden).timeline).toBe(hidden);
  });

  it('ends a stroke with the brush it was begun with', () => {
    const tool = startTools().mask;
    const context = (size: number): ToolContext => ({
      document: emptyDocument({ width: 512, height: 512 }),
      view: { zoom: 1, x: 0, y: 0 },
      brush: { ...brush, size },
      target: 'mask',
      newId: () => 'new',
    });
    const at = { point: canvasPoint(5, 5), pressure: 0.5, shift: false, alt: false };
    tool.handle({ ...at, type: 'down' }, context(20));
    expect(tool.handle({ ...at, type: 'up' }, context(3))[0]).toMatchObject({
      action: { operation: { stroke: { size: 20 } } },
    });
  });

  it('erases in the pixels of a scaled and moved layer', () => {
    const picture = pictureLayer(
      'p',
      'Photo',
      { image: { sha256: '0'.repeat(64) }, width: 100, height: 100 },
      { x: 10, y: 0, scale: 2 },
    );
    const placed = act(startTimeline(emptyDocument({ width: 512, height: 512 })), {
      type: 'picture placed',
      layer: picture,
      clearMask: false,
    });
    const [erased] = play(
      'eraser',
      [
        ['down', 30, 40],
        ['up', 30, 40],
      ],
      {},
      placed,
    ).timeline.document.layers[0]!.paint;
    expect(erased).toMatchObject({ erase: true, stroke: { points: [10, 20, 0.5], size: 10 } });
  });

  it('leaves nothing behind when cancelled', () => {
    const { timeline, effects } = play('mask', [
      ['down', 1, 1],
      ['move', 9, 9],
      ['cancel', 9, 9],
    ]);
    expect(timeline.entries).toHaveLength(0);
    expect(effects.at(-1)).toEqual({ do: 'show nothing' });
  });
});

describe('areas', () => {
  it('draws rectangles from any corner, squares with Shift, and lassos with their outline', () => {
    const corner = play('rectangle', [
      ['down', 90, 80],
      ['move', 50, 60],
      ['up', 50, 60],
    ]).timeline.document.mask.operations[0];
    expect(corner).toEqual({
      kind: 'rectangle',
      rect: { x: 50, y: 60, width: 40, height: 20 },
      erase: false,
    });
    const square = play('rectangle', [
      ['down', 0, 0],
      ['up', 30, 10, { shift: true }],
    ]).timeline.document.mask.operations[0];
    expect(square).toMatchObject({ rect: { width: 30, height: 30 } });
    const outline = play('lasso', [
      ['down', 0, 0],
      ['move', 50, 0],
      ['move', 50, 50],
      ['up', 50, 50],
    ]).timeline.document.mask.operations[0];
    expect(outline).toMatchObject({ kind: 'lasso', points: [0, 0, 50, 0, 50, 50] });
    expect(
      play('lasso', [
        ['down', 0, 0],
        ['up', 0, 0],
      ]).timeline.entries,
    ).toHaveLength(0);
  });
});

describe('frame, move and hand', () => {
  it('pulls an edge to multiples of 64 and moves the whole from inside, each one gesture', () => {
    const pulled = play('frame', [
      ['down', 512, 200],
      ['move', 560, 200],
      ['move', 600, 200],
      ['up', 600, 200],
    ]).timeline;
    expect(pulled.document.frame).toEqual({ x: 0, y: 0, width: 576, height: 512 });
    expect(pulled.entries).toHaveLength(1);
    const left = play('frame', [
      ['down', 0, 200],
      ['move', -70, 200],
      ['up', -70, 200],
    ]).timeline.document.frame;
    expect(left).toEqual({ x: -64, y: 0, width: 576, height: 512 });
    const moved = play('frame', [
      ['down', 200, 200],
      ['move', 300, 150],
      ['up', 300, 150],
    ]).timeline.document;
    expect(moved.frame).toEqual({ x: 128, y: -64, width: 512, height: 512 });
    expect(moved.draft).toMatchObject({ width: 512, height: 512 });
  });

  it('is done anew after it was cancelled, as an entry of its own', () => {
    const cancelled = play('frame', [
      ['down', 200, 200],
      ['move', 300, 200],
      ['cancel', 300, 200],
    ]).timeline;
    const drag: Press[] = [
      ['down', 200, 200],
      ['move', 200, 300],
      ['up', 200, 300],
    ];
    const again = play('frame', drag, {}, cancelled).timeline;
    expect(again.entries).toHaveLength(cancelled.entries.length + 1);
  });

  it('keeps the grabbed point under the hand', () => {
    const { effects } = play(
      'hand',
      [
        ['down', 100, 100],
        ['move', 110, 95],
        ['up', 0, 0],
      ],
      { view: { zoom: 2, x: 0, y: 0 } },
    );
    expect(effects).toEqual([{ do: 'pan', x: 20, y: -10 }]);
  });
});

describe('scaling a layer', () => {
  const image = { sha256: '0'.repeat(64) };
  const placed = (): Timeline =>
    act(startTimeline(emptyDocument({ width: 512, height: 512 })), {
      type: 'picture placed',
      layer: pictureLayer('p', 'Photo', { image, width: 100, height: 50 }, { x: 40, y: 60 }),
      clearMask: false,
    });
  const layerAfter = (presses: readonly Press[]) => play('move', presses, {}, placed()).timeline;

  it('keeps the opposite corner and the proportions, as one gesture', () => {
    const larger = layerAfter([
      ['down', 140, 110],
      ['move', 200, 112],
      ['move', 240, 120],
      ['up', 240, 120],
    ]);
    expect(larger.document.layers[0]).toMatchObject({ x: 40, y: 60, scale: 2 });
    expect(larger.entries).toHaveLength(2);
    const smaller = layerAfter([
      ['down', 40, 60],
      ['move', 90, 100],
    ]).document.layers[0]!;
    expect(smaller).toMatchObject({ x: 90, y: 85, scale: 0.5 });
  });

  it('takes back a drag that is cancelled', () => {
    const { document } = layerAfter([
      ['down', 140, 110],
      ['move', 300, 300],
      ['cancel', 300, 300],
    ]);
    expect(document.layers[0]).toMatchObject({ x: 40, y: 60, scale: 1 });
  });
});
