/** The speed of a graph: what its samplers carry under `_meta.emulsion`, as our own exported graphs do. */
import { SPEEDS } from '../../preload/request.ts';
import { SPEED_SHORTCUTS } from '../../preload/shortcuts.ts';
import type { Speed } from '../engine/devices/packingChoice.ts';
import { isRecord, type LooseGraph } from '../images/comfy/graph.ts';
import { parseWorkflow, postedGraph } from './graph.ts';
import { SAMPLING } from './nodes/sampling.ts';
import { evaluationOrder } from './order.ts';

const isSampler = (classType: string): boolean => Object.hasOwn(SAMPLING, classType);

/** How its networks are to be computed: by the most exact of its samplers, where one that says nothing is exact. */
export function speedOf(graph: LooseGraph): Speed {
  const samplers = evaluationOrder(graph)
    .map((id) => graph.get(id)!)
    .filter(({ class_type }) => isSampler(class_type));
  const order: readonly unknown[] = SPEEDS;
  const wanted = samplers.map(({ emulsion }) => order.indexOf(emulsion['speed']));
  return SPEEDS[Math.max(0, Math.min(...wanted))] ?? 'exact';
}

/** `graph` with `speed` in every sampler, in place of what they carry; the result is what is to be kept with its pictures. */
export function withSpeed(graph: unknown, speed: Speed): Record<string, unknown> {
  const samplers = [...parseWorkflow(graph)].filter(([, { class_type }]) => isSampler(class_type));
  const nodes = postedGraph(graph) as Nodes;
  const changed = samplers.map(([id]) => {
    const { _meta, ...node } = nodes[id]!;
    const meta = isRecord(_meta) ? _meta : {};
    const said = isRecord(meta['emulsion']) ? meta['emulsion'] : {};
    const { speed: _speed, shortcuts: _shortcuts, ...kept } = said;
    const emulsion = speed === 'exact' ? kept : { ...kept, speed, shortcuts: SPEED_SHORTCUTS[speed] };
    return [id, { ...node, _meta: { ...meta, emulsion } }] as const;
  });
  return { ...nodes, ...Object.fromEntries(changed) };
}

type Nodes = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
