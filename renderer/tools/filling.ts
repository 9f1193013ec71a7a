/** Fill: a click floods what is alike under the pointer, with mask or paint; with Alt it takes it away. */
import type { Action } from '../document/actions.ts';
import { activeLayer, type StudioDocument } from '../document/document.ts';
import { type Layer, paintLayer } from '../document/layer.ts';
import type { Region } from '../document/region.ts';
import { type BrushOptions, nothing, type Target, type Tool } from './tool.ts';

type State = { readonly at: 'idle' };

export const fillTool: Tool<State> = {
  idle: { at: 'idle' },
  cursor: () => 'crosshair',
  step(state, event, { target }) {
    if (event.type !== 'down') return nothing<State>(state);
    return { state, effects: [{ do: 'flood', at: event.point, target, erase: event.alt }] };
  },
};

export interface Filling {
  /** What the flood found, in document pixels. */
  readonly region: Region;
  readonly target: Target;
  readonly erase: boolean;
  readonly brush: BrushOptions;
  readonly newId: () => string;
}

/** The actions that leave a flood in the document: in the mask, or as paint on the active sheet or a fresh one. */
export function fillActions(document: StudioDocument, filling: Filling): Action[] {
  const { region, target, erase, brush, newId } = filling;
  if (target === 'mask') return [{ type: 'mask painted', operation: { kind: 'region', region, erase } }];
  const layer = activeLayer(document);
  if (layer?.visible === true && takesWholePixels(layer) && (erase || layer.picture === null))
    return [painted(layer, filling)];
  if (erase) return [];
  const fresh = paintLayer(newId(), 'Paint');
  return [{ type: 'layer added', layer: fresh }, painted(fresh, { ...filling, brush })];
}

/** A region has whole pixels: it fits into a layer whose pixels are the document's. */
const takesWholePixels = ({ x, y, scale }: Layer): boolean =>
  scale === 1 && Number.isInteger(x) && Number.isInteger(y);

function painted({ id, x, y }: Layer, { region, erase, brush }: Filling): Action {
  const { area, runs } = region;
  const { colour, opacity } = brush;
  const moved = { area: { ...area, x: area.x - x, y: area.y - y }, runs };
  return {
    type: 'layer painted',
    id,
    operation: { kind: 'region', region: moved, colour, opacity: erase ? 1 : opacity, erase },
  };
}
