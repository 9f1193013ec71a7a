/** Making nodes: an op applied to values, its output types inferred. */
import { inferOutputs, type OpName } from './shapes.ts';
import type { Attributes, Node, Value } from './value.ts';

/** Applies an op; output shapes and dtypes come from its shape rule. Returns all outputs. */
export function applyAll(
  op: OpName,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes = {},
): readonly Value[] {
  const types = inferOutputs(op, inputs, attributes);
  const outputs: Value[] = [];
  const node: Node = { op, inputs, attributes, outputs };
  types.forEach((type, index) => {
    outputs.push({ ...type, source: { kind: 'node', node, index } });
  });
  return outputs;
}

/** Applies an op with one output. */
export function apply(
  op: OpName,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes = {},
): Value {
  return applyAll(op, inputs, attributes)[0]!;
}
