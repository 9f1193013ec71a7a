/** The document's layers as Konva images, split around the active one so that a running stroke can lie right on it. */
import Konva from 'konva';
import type { StudioDocument } from '../document/document.ts';
import type { Layer } from '../document/layer.ts';
import { layerSurfaces } from '../surfaces/layerSurface.ts';

/** The three Konva groups: below, the active layer, above. */
export interface LayerGroups {
  readonly below: Konva.Group;
  readonly active: Konva.Group;
  readonly above: Konva.Group;
}

export function layersView(groups: LayerGroups) {
  const surfaces = layerSurfaces();
  const nodes = new Map<string, Konva.Image>();

  const place = (layer: Layer, group: Konva.Group) => {
    const pixels = surfaces.pixels(layer);
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
  };

  return {
    surfaces,
    /** Pushes the layers; `shown` is false on pages that do not show the document. */
    show(document: StudioDocument, shown: boolean): void {
      const split = document.layers.findIndex((layer) => layer.id === document.activeLayer);
      for (const [id, node] of nodes) {
        if (document.layers.some((layer) => layer.id === id)) continue;
        node.destroy();
        nodes.delete(id);
      }
      surfaces.prune(document.layers);
      document.layers.forEach((layer, i) => {
        place(layer, i < split ? groups.below : i === split ? groups.active : groups.above);
      });
      for (const layer of document.layers) nodes.get(layer.id)?.moveToTop();
      for (const group of Object.values(groups)) (group as Konva.Group).visible(shown);
    },
  };
}
