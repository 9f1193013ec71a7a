/**
 * Reverse-mode differentiation: a table op → rule, and one reverse walk over the nodes behind the loss.
 * The result is again a graph. Training graphs have static shapes; nodes no output needs are never emitted,
 * so a rule may name the gradient of every input.
 */
import { topologicalOrder } from './build.ts';
import { convGradients, matmulGradients, wholeFactor } from './gradientConv.ts';
import {
  axisOf,
  elementCount,
  floatAttribute,
  intAttribute,
  intsAttribute,
  normalised,
  normalisedGradient,
  onesLike,
  type Rule,
  reshapeLike,
  type Step,
  scatterAddElements,
  sumLast,
  unbroadcast,
  zerosLike,
} from './gradientHelpers.ts';
import { depthToSpaceRule, gatherRule, padRule, sliceRule } from './gradientLayout.ts';
import * as ops from './ops.ts';
import type { OpName } from './shapes.ts';
import { constantInts, type Node, scalar, staticShape, type Value } from './value.ts';

const { add, sub, mul, div, neg } = ops;
/** d/dx of a function of one value. */
const unary =
  (derivative: (step: Step) => Value): Rule =>
  (step) => [mul(step.dy, derivative(step))];
const linear: Rule = ({ node, dy }) => matmulGradients(node, dy);
const constantFunction: Rule = () => [];
/** Min, Max: the gradient goes to whichever was taken. */
const selected: Rule = ({ a, b, y, dy }) => [
  unbroadcast(ops.where(ops.equal(a, y), dy, scalar(0)), a),
  unbroadcast(ops.where(ops.equal(a, y), scalar(0), dy), b),
];

const RULES: Partial<Record<OpName, Rule>> = {
  Identity: ({ dy }) => [dy],
  Cast: ({ a, dy }) => [ops.cast(dy, a.dtype)],
  Add: ({ a, b, dy }) => [unbroadcast(dy, a), unbroadcast(dy, b)],
  Sub: ({ a, b, dy }) => [unbroadcast(dy, a), unbroadcast(neg(dy), b)],
  Mul: ({ a, b, dy }) => [unbroadcast(mul(dy, b), a), unbroadcast(mul(dy, a), b)],
  Div: ({ a, b, y, dy }) => [unbroadcast(div(dy, b), a), unbroadcast(neg(div(mul(dy, y), b)), b)],
  Pow: powRule,
  Min: selected,
  Max: selected,
  Where: ({ a, b, c, dy }) => [
    undefined,
    unbroadcast(ops.where(a, dy, scalar(0)), b),
    unbroadcast(ops.where(a, scalar(0), dy), c),
  ],
  Neg: ({ dy }) => [neg(dy)],
  Abs: unary(({ a }) => ops.sign(a)),
  Sign: constantFunction,
  Floor: constantFunction,
  Round: constantFunction,
  Sqrt: ({ y, dy }) => [div(dy, mul(y, 2))],
  Exp: unary(({ y }) => y),
  Log: ({ a, dy }) => [div(dy, a)],
  Reciprocal: unary(({ y }) => neg(mul(y, y))),
  Sin: unary(({ a }) => ops.cos(a)),
  Cos: unary(({ a }) => neg(ops.sin(a))),
  Erf: unary(({ a }) => mul(ops.exp(neg(mul(a, a))), 2 / Math.sqrt(Math.PI))),
  Sigmoid: unary(({ y }) => sub(y, mul(y, y))),
  Tanh: unary(({ y }) => sub(scalar(1), mul(y, y))),
  Relu: ({ y, dy }) => [ops.where(ops.greater(y, 0), dy, scalar(0))],
  LeakyRelu: ({ a, dy, attributes }) => [
    ops.where(ops.less(a, 0), mul(dy, floatAttribute(attributes, 'alpha', 0.01)), dy),
  ],
  Clip: ({ a, y, dy }) => [ops.where(ops.equal(a, y), dy, scalar(0))],
  Gelu: unary(({ a }) => {
    const density = mul(ops.exp(mul(mul(a, a), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return add(mul(add(ops.erf(mul(a, Math.SQRT1_2)), 1), 0.5), mul(a, density));
  }),
  // d/dx x·s = s·(1 + alpha·(x - x·s)), s = sigmoid(alpha·x)
  QuickGelu: unary(({ a, y, attributes }) => {
    const alpha = floatAttribute(attributes, 'alpha', 1.702);
    const scaled = (value: Value): Value => (alpha === 1 ? value : mul(value, alpha));
    return mul(add(scaled(sub(a, y)), 1), ops.sigmoid(scaled(a)));
  }),
  Softmax: ({ y, dy }) => {
    const weighted = mul(dy, y);
    return [sub(weighted, mul(y, sumLast(weighted)))];
  },
  LogSoftmax: ({ y, dy }) => [sub(dy, mul(ops.exp(y), sumLast(dy)))],
  LayerNormalization: layerNormRule,
  InstanceNormalization: instanceNormRule,
  Conv: ({ node, dy }) => convGradients(node, dy),
  MatMul: linear,
  FusedMatMul: linear,
  Gemm: linear,
  MultiHeadAttention: attentionRule,
  ReduceSum: ({ a, y, dy, node }) => [ops.expand(kept(dy, a, node, y), staticShape(a))],
  ReduceMean: ({ a, y, dy, node }) => {
    const share = elementCount(staticShape(y)) / elementCount(staticShape(a));
    return [ops.expand(mul(kept(dy, a, node, y), share), staticShape(a))];
  },
  ReduceMax: ({ a, y, dy, node }) => [
    ops.where(ops.equal(a, kept(y, a, node, y)), kept(dy, a, node, y), scalar(0)),
  ],
  Reshape: ({ a, dy }) => [reshapeLike(dy, a)],
  Transpose: ({ dy, attributes }) => {
    const order = intsAttribute(attributes, 'perm')!;
    return [
      ops.transpose(
        dy,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ];
  },
  Concat: ({ node, dy, attributes }) => {
    const axis = axisOf(attributes, dy);
    const sizes = node.inputs.map((part) => staticShape(part!)[axis]!);
    return ops.split(dy, sizes, axis);
  },
  Split: ({ node, dys, attributes, a }) => [
    ops.concat(
      node.outputs.map((part, index) => dys[index] ?? zerosLike(part)),
      axisOf(attributes, a),
    ),
  ],
  Slice: sliceRule,
  Pad: padRule,
  Expand: ({ a, dy }) => [unbroadcast(dy, a)],
  Gather: gatherRule,
  GatherElements: ({ a, b, dy, attributes }) => [scatterAddElements(a, b, dy, axisOf(attributes, a))],
  // A pixel repeated f² times gets the sum of f² gradients: f²·mean.
  Resize: ({ a, y, dy }) => {
    const factor = wholeFactor(y, a);
    return [factor === 1 ? dy : mul(ops.averagePool(dy, factor), factor ** 2)];
  },
  AveragePool: ({ a, y, dy }) => {
    const factor = wholeFactor(a, y);
    return [mul(ops.upsampleNearest(dy, factor), 1 / factor ** 2)];
  },
  DepthToSpace: depthToSpaceRule,
};

/**
 * d loss / d each of `wrt`, as graph values of their shapes. The loss is a single number.
 * @throws when an op on the way has no rule (naming op and nearest weight), or a value does not reach the loss.
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  const all = allGradients(loss, wrt);
  return wrt.map((value) => all.get(value)!);
}

/** The same, with the gradients of all values between `wrt` and the loss. */
export function allGradients(loss: Value, wrt: readonly Value[]): ReadonlyMap<Value, Value> {
  if (elementCount(staticShape(loss)) !== 1)
    throw new Error(`a loss is one number, this one has shape [${loss.shape.join(', ')}]; reduce it first`);
  return walkBack([loss], [onesLike(loss)], wrt);
}

/** Vector-Jacobian product: what `seeds`, the gradients of `outputs`, become at `wrt`. Errors as in `gradients`. */
function pullBack(outputs: readonly Value[], seeds: readonly Value[], wrt: readonly Value[]): Value[] {
  const all = walkBack(outputs, seeds, wrt);
  return wrt.map((value) => all.get(value)!);
}

function walkBack(
  outputs: readonly Value[],
  seeds: readonly Value[],
  wrt: readonly Value[],
): ReadonlyMap<Value, Value> {
  const nodes = topologicalOrder(outputs);
  const active = activeValues(nodes, wrt);
  const sums = new Map<Value, Value>();
  const accumulate = (value: Value | undefined, gradient: Value | undefined): void => {
    if (!value || !gradient || !active.has(value)) return;
    const known = sums.get(value);
    sums.set(value, known ? add(known, gradient) : gradient);
  };
  for (const [index, output] of outputs.entries()) accumulate(output, seeds[index]);
  for (const node of nodes.toReversed()) {
    const dys = node.outputs.map((output) => sums.get(output));
    if (!dys.some(Boolean) || !node.inputs.some((value) => value && active.has(value))) continue;
    const flows = ruleOf(node)(stepOf(node, dys));
    for (const [index, value] of node.inputs.entries()) accumulate(value, flows[index]);
  }
  for (const value of wrt) if (!sums.has(value)) unreached(value);
  return sums;
}

/** Everything that depends on `wrt` by floating-point values. */
function activeValues(nodes: readonly Node[], wrt: readonly Value[]): ReadonlySet<Value> {
  const active = new Set(wrt);
  for (const node of nodes) {
    if (!node.inputs.some((value) => value && active.has(value))) continue;
    for (const output of node.outputs) if (output.dtype.startsWith('float')) active.add(output);
  }
  return active;
}

function stepOf(node: Node, dys: readonly (Value | undefined)[]): Step {
  const [a, b, c] = node.inputs as readonly [Value, Value, Value];
  const y = node.outputs[0]!;
  return { a, b, c, y, dy: dys[0] ?? zerosLike(y), dys, node, attributes: node.attributes };
}

function ruleOf(node: Node): Rule {
  const rule = RULES[node.op];
  if (!rule)
    throw new Error(
      `op ${node.op} (near "${nearestName(node)}") has no gradient rule; add one to gradients.ts`,
    );
  return rule;
}

/** The closest weight or input behind a node, to say where in the model it stands. */
function nearestName(node: Node): string {
  let frontier: readonly Node[] = [node];
  const seen = new Set<Node>();
  while (frontier.length > 0) {
    const values = frontier.flatMap((item) => item.inputs).filter((value) => value !== undefined);
    for (const { source } of values)
      if (source.kind === 'weight' || source.kind === 'input') return source.name;
    for (const item of frontier) seen.add(item);
    frontier = values.flatMap(({ source }) =>
      source.kind === 'node' && !seen.has(source.node) ? [source.node] : [],
    );
  }
  return 'a constant';
}

function unreached({ source, shape }: Value): never {
  const name = 'name' in source ? `"${source.name}"` : `a value of shape [${shape.join(', ')}]`;
  throw new Error(`the loss does not depend on ${name}; leave it out of the trained parameters`);
}

/** A reduced value with its reduced axes kept at size 1. */
function kept(value: Value, x: Value, node: Node, y: Value): Value {
  if (y.shape.length === x.shape.length) return value;
  const rank = x.shape.length;
  const axes = constantInts(node.inputs[1])?.map((axis) => (axis + rank) % rank);
  return ops.reshape(
    value,
    staticShape(x).map((size, axis) => (!axes || axes.includes(axis) ? 1 : size)),
  );
}

function powRule({ a, b, y, dy }: Step): readonly Value[] {
  const square = b.source.kind === 'constant' && b.source.data.length === 1 && b.source.data[0] === 2;
  const slope = square ? mul(a, 2) : mul(b, ops.pow(a, sub(b, 1)));
  return [unbroadcast(mul(dy, slope), a), unbroadcast(mul(dy, mul(y, ops.log(a))), b)];
}

function layerNormRule({ a, b, c, dy, node, attributes }: Step): readonly (Value | undefined)[] {
  const { unit, inverseDeviation } = node.outputs[2]
    ? { unit: node.outputs[0]!, inverseDeviation: node.outputs[2] }
    : normalised(a, floatAttribute(attributes, 'epsilon', 1e-5));
  const gradient = node.outputs[2] ? dy : mul(dy, b);
  return [
    normalisedGradient(gradient, unit, inverseDeviation),
    unbroadcast(mul(dy, unit), b),
    c && unbroadcast(dy, c),
  ];
}

/** Layer normalisation of each [batch, channel] row over its pixels. */
function instanceNormRule({ a, b, dy, attributes }: Step): readonly Value[] {
  const [batch, channels, ...rest] = staticShape(a);
  const rows = [batch!, channels!, elementCount(rest)];
  const { unit, inverseDeviation } = normalised(
    ops.reshape(a, rows),
    floatAttribute(attributes, 'epsilon', 1e-5),
  );
  const dRows = ops.reshape(dy, rows);
  const column = ops.reshape(b, [1, channels!, 1]);
  const scaled = isOnes(b) ? dRows : mul(dRows, column);
  const dx = normalisedGradient(scaled, unit, inverseDeviation);
  return [
    reshapeLike(dx, a),
    reshapeLike(unbroadcast(mul(dRows, unit), column), b),
    reshapeLike(unbroadcast(dRows, column), b),
  ];
}

function isOnes({ source }: Value): boolean {
  return source.kind === 'constant' && source.data.every((value) => Number(value) === 1);
}

/** The fused node, written out as matrix products and differentiated. */
function attentionRule({ a, b, c, dy, attributes }: Step): readonly Value[] {
  const heads = intAttribute(attributes, 'num_heads', 1);
  const byHead = (value: Value): Value => {
    const [batch, tokens, width] = staticShape(value);
    return ops.transpose(ops.reshape(value, [batch!, tokens!, heads, width! / heads]), [0, 2, 1, 3]);
  };
  const scale = 1 / Math.sqrt(staticShape(a)[2]! / heads);
  const attention = ops.softmax(ops.matmul(byHead(a), byHead(b), { transB: true, scale }));
  const mixed = ops.transpose(ops.matmul(attention, byHead(c)), [0, 2, 1, 3]);
  return pullBack([ops.reshape(mixed, staticShape(dy))], [dy], [a, b, c]);
}
