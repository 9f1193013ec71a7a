/** What a flood leaves in the document: a region of the mask, or paint on a sheet whose pixels are the document's. */
import { describe, expect, it } from 'vitest';
import { applyAction } from '../../../renderer/document/actions.ts';
import { emptyDocument, type StudioDocument } from '../../../renderer/document/document.ts';
import { paintLayer, pictureLayer } from '../../../renderer/document/layer.ts';
import { type Filling, fillActions } from '../../../renderer/tools/filling.ts';
import { startTools } from '../../../renderer/tools/registry.ts';

const filling: Filling = {
  region: { area: { x: 10, y: 20, width: 4, height: 1 }, runs: [0, 4] },
  target: 'layer',
  erase: false,
  brush: { size: 20, hardness: 0.8, opacity: 0.5, colour: '#00ff00' },
  newId: () => 'fresh',
};
const empty = emptyDocument({ width: 64, height: 64 });
const withLayer = (change: object): StudioDocument =>
  applyAction(empty, { type: 'layer added', layer: { ...paintLayer('sheet', 'Paint'), ...change } }).document;
const fill = (document: StudioDocument, change: Partial<Filling> = {}) =>
  fillActions(document, { ...filling, ...change }).reduce(
    (next, action) => applyAction(next, action).document,
    document,
  );

describe('fill', () => {
  it('asks for a flood where the pointer goes down, and takes away with Alt', () => {
    const context = {
      document: empty,
      view: { zoom: 1, x: 0, y: 0 },
      brush: filling.brush,
      target: 'mask' as const,
      newId: () => '',
    };
    const press = { type: 'down' as const, point: { x: 3, y: 4 }, pressure: 0.5, shift: false, alt: true };
    const { handle } = startTools().fill;
    expect(handle(press, context)).toEqual([
      { do: 'flood', at: { x: 3, y: 4 }, target: 'mask', erase: true },
    ]);
    expect(handle({ ...press, type: 'up' }, context)).toEqual([]);
  });

  it('adds to the mask, or takes from it', () => {
    const { region } = filling;
    expect(fill(empty, { target: 'mask', erase: true }).mask.operations).toEqual([
      { kind: 'region', region, erase: true },
    ]);
  });

  it('paints on the active sheet in its own pixels', () => {
    const { layers } = fill(withLayer({ x: 5, y: -5 }));
    expect(layers).toHaveLength(1);
    expect(layers[0]!.paint[0]).toMatchObject({
      kind: 'region',
      colour: '#00ff00',
      opacity: 0.5,
      region: { area: { x: 5, y: 25, width: 4, height: 1 }, runs: [0, 4] },
    });
  });

  it('takes a fresh sheet above a picture, or above a sheet whose pixels are not the document’s', () => {
    const picture = pictureLayer(
      'p',
      'Photo',
      { image: { sha256: '0'.repeat(64) }, width: 9, height: 9 },
      { x: 0, y: 0 },
    );
    for (const document of [withLayer(picture), withLayer({ scale: 2 }), withLayer({ x: 0.5 }), empty]) {
      const filled = fill(document);
      expect(filled.layers.at(-1)).toMatchObject({ id: 'fresh', x: 0, y: 0, scale: 1 });
      expect(filled.layers.at(-1)!.paint).toHaveLength(1);
      expect(fill(document, { erase: true }).layers.length).toBe(document.layers.length);
    }
  });
});
