/**
 * Gradient checkpointing (Chen et al. 2016, arXiv:1604.06174) as a graph transform: only chosen values of the forward
 * pass are kept until the backward pass needs them; what lies between two of them is emitted a second time.
 */
import { applyAll } from './apply.ts';
import { topologicalOrder } from './build.ts';
import { elementCount } from './gradientHelpers.ts';
import { allGradients } from './gradients.ts';
import * as ops from './ops.ts';
import { type Node, staticShape, type Value } from './value.ts';

/**
 * The same gradients as `gradients(loss, wrt)`, for less memory and up to one more forward pass. `checkpoints` are values
 * that stay: block outputs, in any order. Of what lies between them only the nodes that `repeats` accepts run a second
 * time, the values of the others stay too. Errors as in `gradients`.
 */
export function recomputedGradients(
  loss: Value,
  wrt: readonly Value[],
  checkpoints: readonly Value[],
  repeats: (node: Node) => boolean = () => true,
): Value[] {
  const all = allGradients(loss, wrt);
  const plan = planSegments(topologicalOrder([loss]), new Set(checkpoints), repeats, all);
  return rebuild(
    wrt.map((value) => all.get(value)!),
    plan,
  );
}

interface Plan {
  /** Nodes of the forward pass. */
  readonly forward: ReadonlySet<Node>;
  /** The segment in which a forward value is emitted again; undefined = the value is kept. */
  segmentOf(value: Value): number | undefined;
  /** The gradient that reaches the end of a segment first: before it is there, nothing is to be emitted again. */
  readonly arrivals: ReadonlyMap<number, Value>;
}

/**
 * A node belongs to segment i when checkpoint i − 1 is the last one it depends on. Values that a later segment reads too
 * are kept, and so is the last segment, with which the backward pass begins at once.
 */
function planSegments(
  nodes: readonly Node[],
  checkpoints: ReadonlySet<Value>,
  repeats: (node: Node) => boolean,
  all: ReadonlyMap<Value, Value>,
): Plan {
  const segments = new Map<Value, number>();
  const kept = new Set(checkpoints);
  const arrivals = new Map<number, Value>();
  const after = new Map<Value, number>();
  for (const node of nodes) {
    const sources = node.inputs.flatMap((value) => (value?.source.kind === 'node' ? [value] : []));
    const segmentFrom = (value: Value): number => after.get(value) ?? segments.get(value)!;
    const segment = Math.max(0, ...sources.map(segmentFrom));
    for (const value of sources) if (segmentFrom(value) < segment) kept.add(value);
    const stays = !repeats(node);
    for (const output of node.outputs) {
      segments.set(output, segment);
      if (stays) kept.add(output);
      if (!checkpoints.has(output)) continue;
      after.set(output, after.size + 1);
      const arrival = all.get(output);
      if (arrival) arrivals.set(segment, arrival);
    }
  }
  const segmentOf = (value: Value): number | undefined => {
    const segment = kept.has(value) ? undefined : segments.get(value);
    return segment !== undefined && arrivals.has(segment) ? segment : undefined;
  };
  return { forward: new Set(nodes), segmentOf, arrivals };
}

/**
 * What attention weighs its values with: products larger than both factors together, and the softmax of them. They grow
 * with the square of the number of positions and cost little (SD 1.5 at 512²: two thirds of all that the backward pass
 * reads, 4 % of the step's arithmetic), so they alone are worth computing twice.
 */
export function isAttentionWeight({ op, inputs, outputs }: Node): boolean {
  if (op === 'Softmax') {
    const { source } = inputs[0]!;
    return source.kind === 'node' && isAttentionWeight(source.node);
  }
  if (op !== 'MatMul' && op !== 'FusedMatMul') return false;
  const size = (value: Value): number => elementCount(staticShape(value));
  return size(outputs[0]!) > inputs.reduce((sum, value) => sum + size(value!), 0);
}

/** The backward nodes behind `outputs` over again, reading repeated forward values instead of the first ones. */
function rebuild(outputs: readonly Value[], plan: Plan): Value[] {
  const rebuilt = new Map<Node, readonly Value[]>();
  const repeats = new Map<Value, Value>();
  const backward = (value: Value): Value => {
    const { source } = value;
    return source.kind === 'node' ? (rebuilt.get(source.node)?.[source.index] ?? value) : value;
  };
  const gated = gates((segment) => backward(plan.arrivals.get(segment)!));
  const repeat = (value: Value, segment: number): Value => {
    if (plan.segmentOf(value) !== segment) return gated(value, segment);
    const known = repeats.get(value);
    if (known) return known;
    const { source } = value;
    if (source.kind !== 'node') return value;
    const { op, inputs, attributes, outputs: first } = source.node;
    const again = applyAll(
      op,
      inputs.map((item) => item && repeat(item, segment)),
      attributes,
    );
    for (const [index, output] of first.entries()) repeats.set(output, again[index]!);
    return repeats.get(value)!;
  };
  const replaced = (value: Value): Value => {
    const segment = plan.segmentOf(value);
    return segment === undefined ? backward(value) : repeat(value, segment);
  };
  for (const node of backwardOrder(outputs, plan)) {
    const inputs = node.inputs.map((value) => value && replaced(value));
    const unchanged = inputs.every((value, index) => value === node.inputs[index]);
    rebuilt.set(node, unchanged ? node.outputs : applyAll(node.op, inputs, node.attributes));
  }
  return outputs.map(replaced);
}

/**
 * Gives a kept value a dependency on the arrival of its segment's gradient that leaves its numbers as they are: what is
 * made of it again is then not made before it is needed.
 */
function gates(arrivalAt: (segment: number) => Value): (value: Value, segment: number) => Value {
  const made = new Map<Value, Map<number, Value>>();
  return (value, segment) => {
    if (value.source.kind !== 'node' || value.dtype !== 'float32' || value.shape.length === 0) return value;
    const bySegment = made.get(value) ?? new Map<number, Value>();
    made.set(value, bySegment);
    const known = bySegment.get(segment);
    if (known) return known;
    const first = ops.slice(ops.reshape(arrivalAt(segment), [-1]), 0, 0, 1);
    const gate = ops.add(value, ops.mul(first, 0));
    bySegment.set(segment, gate);
    return gate;
  };
}

/** Nodes that are not forward ones, after everything they need: their inputs, and the arrivals that repeats wait for. */
function backwardOrder(outputs: readonly Value[], { forward, segmentOf, arrivals }: Plan): Node[] {
  const producer = ({ source }: Value): Node[] =>
    source.kind === 'node' && !forward.has(source.node) ? [source.node] : [];
  const needs = (value: Value | undefined): Node[] => {
    if (!value) return [];
    const segment = segmentOf(value);
    return segment === undefined ? producer(value) : producer(arrivals.get(segment)!);
  };
  const ordered = new Set<Node>();
  const opened = new Set<Node>();
  const stack = outputs.flatMap(needs);
  while (stack.length > 0) {
    const node = stack.at(-1)!;
    if (!opened.has(node)) {
      opened.add(node);
      stack.push(...node.inputs.flatMap(needs).filter((item) => !opened.has(item)));
      continue;
    }
    stack.pop();
    ordered.add(node);
  }
  return [...ordered];
}
