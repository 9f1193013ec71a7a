/** The document's layers as Konva images, split around the active one so that a running stroke can lie right on it. */
import Konva from 'konva';
import type { StudioDocument } from '../document/document.ts';
import type { Rect } from '../document/geometry.ts';
import { type Layer, layerExtent } from '../document/layer.ts';
import { levelFor } from '../surfaces/levels.ts';
import { pictureNow } from '../surfaces/pictures.ts';
import type { RasterView } from '../surfaces/raster.ts';

/** The three Konva groups: below, the active layer, above. */
export interface LayerGroups {
  readonly below: Konva.Group;
  readonly active: Konva.Group;
  readonly above: Konva.Group;
}

interface Pixels {
  readonly source: OffscreenCanvas | ImageBitmap;
  readonly extent: Rect;
}

/** What a layer looks like at a zoom; null while its picture is still on its way, or when it is empty. */
function pixelsOf(layer: Layer, { inks }: RasterView, zoom: number): Pixels | null {
  const scale = layer.scale * zoom;
  const painted = inks.get(layer.id);
  if (painted !== undefined)
    return { source: painted.levels[levelFor(scale)] ?? painted.levels[0]!, extent: painted.extent };
  const bitmap = layer.picture === null ? null : pictureNow(layer.picture.image, scale);
  return bitmap === null ? null : { source: bitmap, extent: layerExtent(layer) };
}

/** Everything that decides what a group looks like at one place and zoom. */
type Look = readonly unknown[];

export function layersView(groups: LayerGroups) {
  const nodes = new Map<string, Konva.Image>();
  const looks = new Map<keyof LayerGroups, Look>();

  const place = (layer: Layer, group: Konva.Group, pixels: Pixels | null) => {
    const node = nodes.get(layer.id) ?? new Konva.Image({ image: undefined, listening: false });
    nodes.set(layer.id, node);
    if (pixels === null) node.visible(false);
    else {
      const { extent, source } = pixels;
      node.setAttrs({
        image: source,
        x: layer.x + extent.x * layer.scale,
        y: layer.y + extent.y * layer.scale,
        width: extent.width * layer.scale,
        height: extent.height * layer.scale,
        opacity: layer.opacity,
        visible: layer.visible,
      });
    }
    node.moveTo(group);
    node.moveToTop();
  };

  return {
    /**
     * Pushes the layers; `zoom` is device pixels per document pixel, `shown` is false on pages without the document.
     * Returns the groups that look different now: a document of many layers is not drawn anew for a stroke on one.
     */
    show(
      { layers, activeLayer }: StudioDocument,
      view: RasterView,
      zoom: number,
      shown: boolean,
    ): (keyof LayerGroups)[] {
      const split = layers.findIndex((layer) => layer.id === activeLayer);
      for (const [id, node] of nodes) {
        if (layers.some((layer) => layer.id === id)) continue;
        node.destroy();
        nodes.delete(id);
      }
      const next: Record<keyof LayerGroups, unknown[]> = { below: [shown], active: [shown], above: [shown] };
      for (const [i, layer] of layers.entries()) {
        const name = i < split ? 'below' : i === split ? 'active' : 'above';
        const pixels = pixelsOf(layer, view, zoom);
        place(layer, groups[name], pixels);
        next[name].push(layer, pixels?.source, view.inks.get(layer.id));
      }
      return NAMES.filter((name) => {
        groups[name].visible(shown);
        const isNew = !sameLook(looks.get(name), next[name]);
        looks.set(name, next[name]);
        return isNew;
      });
    },
  };
}

const NAMES = ['below', 'active', 'above'] as const;

const sameLook = (before: Look | undefined, now: Look): boolean =>
  before?.length === now.length && now.every((value, i) => value === before[i]);
