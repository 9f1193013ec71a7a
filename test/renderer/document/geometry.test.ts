/** The view: points survive the way to the screen and back, zooming keeps the point under the cursor, fitting fits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyDocument } from '../../../renderer/document/document.ts';
import {
  canvasPoint,
  fitView,
  screenPoint,
  toCanvas,
  toScreen,
  zoomAt,
} from '../../../renderer/document/geometry.ts';
import { act, startTimeline } from '../../../renderer/document/undo.ts';

const number = fc.double({ min: -5000, max: 5000, noNaN: true });
const view = fc.record({ zoom: fc.double({ min: 0.05, max: 32, noNaN: true }), x: number, y: number });

describe('view', () => {
  it('maps points there and back', () => {
    fc.assert(
      fc.property(view, number, number, (v, x, y) => {
        const back = toCanvas(toScreen(canvasPoint(x, y), v), v);
        expect(back.x).toBeCloseTo(x, 6);
        expect(back.y).toBeCloseTo(y, 6);
      }),
    );
  });

  it('keeps the point under the cursor while zooming, within 5 % and 3200 %', () => {
    fc.assert(
      fc.property(
        view,
        number,
        number,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (v, x, y, factor) => {
          const at = screenPoint(x, y);
          const zoomed = zoomAt(v, at, factor);
          expect(zoomed.zoom).toBeGreaterThanOrEqual(0.05);
          expect(zoomed.zoom).toBeLessThanOrEqual(32);
          const under = toScreen(toCanvas(at, v), zoomed);
          expect(under.x).toBeCloseTo(x, 4);
          expect(under.y).toBeCloseTo(y, 4);
        },
      ),
    );
  });

  it('fits a rectangle into the free part of the stage', () => {
    const v = fitView(
      { x: 100, y: -50, width: 1000, height: 500 },
      { width: 800, height: 600 },
      { x: 40, top: 60, bottom: 140 },
    );
    const corner = toScreen(canvasPoint(100, -50), v);
    const other = toScreen(canvasPoint(1100, 450), v);
    expect(corner.x).toBeCloseTo(40);
    expect(other.x).toBeCloseTo(760);
    expect(corner.y).toBeGreaterThanOrEqual(60);
    expect(other.y).toBeLessThanOrEqual(460);
  });
});

describe('frame and settings', () => {
  it('are one size seen from two sides, in steps of 8', () => {
    const start = startTimeline(emptyDocument({ width: 512, height: 512 }));
    const moved = act(start, {
      type: 'frame moved',
      frame: { x: 3.4, y: 0, width: 517, height: 20 },
    }).document;
    expect(moved.frame).toEqual({ x: 3, y: 0, width: 520, height: 64 });
    expect(moved.draft).toMatchObject({ width: 520, height: 64 });
    const typed = act(start, { type: 'draft changed', change: { width: 700 } }).document;
    expect(typed.frame.width).toBe(704);
    expect(typed.bounds.width).toBe(704);
  });
});
