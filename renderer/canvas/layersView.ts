/** The document's layers as Konva images, split around the active one so that a running stroke can lie right on it. */
import Konva from 'konva';
import type { StudioDocument } from '../document/document.ts';
import type { Rect } from '../document/geometry.ts';
import { type Layer, layerExtent } from '../document/layer.ts';
import { flattenedRun } from '../surfaces/flattened.ts';
import { levelFor } from '../surfaces/levels.ts';
import { pictureNow } from '../surfaces/pictures.ts';
import type { RasterView } from '../surfaces/raster.ts';
import type { LayerName, LayerStack } from './layerStack.ts';

const NAMES = ['below', 'active', 'above'] as const satisfies readonly LayerName[];
type Name = (typeof NAMES)[number];

/** An image and its place in the document. */
interface Drawn extends Rect {
  readonly image: OffscreenCanvas | ImageBitmap;
  readonly opacity: number;
  /** Another object when the image's pixels are other ones. */
  readonly pixels: unknown;
}

/** What a layer looks like at a zoom; null while its picture is still on its way, or when there is nothing to see. */
function drawnLayer(layer: Layer, { inks }: RasterView, zoom: number): Drawn | null {
  if (!layer.visible || layer.opacity === 0) return null;
  const { picture, opacity } = layer;
  const scale = layer.scale * zoom;
  const ink = inks.get(layer.id);
  if (ink !== undefined) {
    const image = ink.levels[levelFor(scale)] ?? ink.levels[0]!;
    return { image, ...placed(layer, ink.extent), opacity, pixels: ink };
  }
  const image = picture === null ? null : pictureNow(picture.image, scale);
  return image === null ? null : { image, ...placed(layer, layerExtent(layer)), opacity, pixels: image };
}

/** From layer pixels to the document's. */
const placed = ({ x, y, scale }: Layer, extent: Rect): Rect => ({
  x: x + extent.x * scale,
  y: y + extent.y * scale,
  width: extent.width * scale,
  height: extent.height * scale,
});

/** `changed` is called when something can be drawn that was not there before. */
export function layersView({ world, draw, show }: LayerStack, changed: () => void) {
  const flattened = { below: flattenedRun(changed), above: flattenedRun(changed) };
  const groups = { below: group(world.below), active: group(world.active), above: group(world.above) };
  /** A running stroke lies on the active layer, be it empty. */
  const filled = new Set<Name>(['active']);

  const drawnRun = (
    name: keyof typeof flattened,
    document: StudioDocument,
    run: readonly Layer[],
    view: RasterView,
    zoom: number,
  ): Drawn[] => {
    const flat = flattened[name].of(document, run, zoom);
    const rest = run.slice(flat?.count ?? 0).map((layer) => drawnLayer(layer, view, zoom));
    const beginning =
      flat === null ? null : { ...flat.area, image: flat.source, opacity: 1, pixels: flat.source };
    return [beginning, ...rest].filter((each) => each !== null);
  };

  return {
    /**
     * Pushes the layers; `zoom` is device pixels per document pixel, `where` whatever else decides where things lie.
     * Only groups that look different now are drawn: a stroke on one layer of many costs that layer.
     */
    show(document: StudioDocument, view: RasterView, zoom: number, where: readonly unknown[]): void {
      const { layers, activeLayer } = document;
      const active = layers.findIndex(({ id }) => id === activeLayer);
      const run = (name: keyof typeof flattened, part: readonly Layer[]) =>
        drawnRun(name, document, part, view, zoom);
      const drawn = {
        below: run('below', layers.slice(0, Math.max(active, 0))),
        active: layers.slice(active, active + 1).flatMap((layer) => drawnLayer(layer, view, zoom) ?? []),
        above: run('above', layers.slice(active + 1)),
      };
      for (const name of NAMES) {
        if (groups[name].fill(drawn[name], where)) draw(name);
        if (name !== 'active') drawn[name].length > 0 ? filled.add(name) : filled.delete(name);
      }
      this.showAgain();
    },
    /** On pages without the document. */
    hide(): void {
      for (const name of NAMES) show(name, false);
    },
    /** What was shown last, as it was. */
    showAgain(): void {
      for (const name of NAMES) show(name, filled.has(name));
    },
  };
}

/** A Konva group of images. */
function group(parent: Konva.Group) {
  const nodes: Konva.Image[] = [];
  let look: readonly unknown[] = [];
  return {
    /** True when it looks different now. */
    fill(images: readonly Drawn[], where: readonly unknown[]): boolean {
      const next = [...where, ...images.flatMap((image) => Object.values(image))];
      if (next.length === look.length && next.every((value, i) => value === look[i])) return false;
      look = next;
      while (nodes.length < images.length) {
        const node = new Konva.Image({ image: undefined, listening: false });
        nodes.push(node);
        parent.add(node);
      }
      for (const node of nodes.splice(images.length)) node.destroy();
      for (const [i, { pixels: _, ...attributes }] of images.entries()) nodes[i]!.setAttrs(attributes);
      return true;
    },
  };
}
