/** The Konva layers, back to front. One that is out of sight costs nothing: it is not drawn, and the browser need not compose it. */
import Konva from 'konva';
import type { View } from '../document/geometry.ts';

/** From this zoom on, pixels are shown as squares; a fitted picture, enlarged up to four times, is still smooth. */
const SHARP_FROM = 5;

/**
 * As few as there can be, for each is a canvas of the window's size that the browser keeps and composes:
 * a stroke (`active`) is not to draw the document's other layers anew, a preview at every step (`result`) not them and
 * not the mask with its outline (`ink`), and a pointer that only moves (`chrome`) none of it.
 */
const NAMES = ['below', 'active', 'above', 'result', 'ink', 'chrome'] as const;
export type LayerName = (typeof NAMES)[number];

export interface LayerStack {
  /** Groups in document pixels; nothing of the chrome is measured in them. */
  readonly world: Readonly<Record<LayerName, Konva.Group>>;
  /** Groups in CSS pixels, over those in document pixels. */
  readonly screen: Readonly<Record<LayerName, Konva.Group>>;
  /** Draws a layer at the next frame, or when it comes in sight. */
  readonly draw: (name: LayerName) => void;
  readonly show: (name: LayerName, shown: boolean) => void;
  /** Places what is in document pixels; draws nothing. */
  readonly look: (view: View) => void;
}

/** Adds the layers to a stage; all are in sight. */
export function layerStack(stage: Konva.Stage): LayerStack {
  const each = <T>(make: (name: LayerName) => T) =>
    Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Record<LayerName, T>;
  const layers = each(() => new Konva.Layer({ listening: false }));
  const world = each(() => new Konva.Group());
  const screen = each(() => new Konva.Group());
  const stale = new Set<LayerName>();
  // Konva warns of more than five, thinking them all in sight; most of these seldom are.
  Konva.showWarnings = false;
  stage.add(layers.below, layers.active, layers.above, layers.result, layers.ink, layers.chrome);
  Konva.showWarnings = true;
  for (const name of NAMES) {
    layers[name].add(world[name], screen[name]);
    // A draw that was under way when the layer went out of sight has drawn nothing.
    layers[name].on('draw', () => {
      if (!layers[name].visible()) stale.add(name);
    });
  }
  const draw = (name: LayerName) => {
    if (layers[name].visible()) layers[name].batchDraw();
    else stale.add(name);
  };
  return {
    world,
    screen,
    draw,
    show(name, shown) {
      if (layers[name].visible() === shown) return;
      layers[name].visible(shown);
      if (shown && stale.delete(name)) draw(name);
    },
    look({ x, y, zoom }) {
      for (const name of NAMES) {
        world[name].setAttrs({ x, y, scaleX: zoom, scaleY: zoom });
        layers[name].imageSmoothingEnabled(zoom < SHARP_FROM);
      }
    },
  };
}
