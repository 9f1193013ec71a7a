/** Looks a posted graph over as ComfyUI does, and refuses it in ComfyUI's words before anything is queued. */
import type { Services } from '../../app/services.ts';
import { isRecord, pythonJson } from '../../images/comfy/graph.ts';
import { inputNamed } from './graphs.ts';
import { type Input, inputInfo, numberOf } from './inputs.ts';
import { type ComfyNodeKind, nodeKinds } from './nodes.ts';
import {
  circularNodes,
  type Graph,
  type NodeError,
  nodeError,
  reachedFrom,
  type WiredNode,
} from './wiring.ts';

/** The errors of one node, and the outputs that are not made because of them. */
interface NodeErrors {
  readonly errors: NodeError[];
  readonly dependent_outputs: string[];
  readonly class_type: string;
}

export interface Validation {
  /** Why nothing of the graph can be made; null where at least one output can. */
  readonly error: NodeError | null;
  readonly node_errors: Readonly<Record<string, NodeErrors>>;
  /** What the outputs without fault are made from, themselves included. */
  readonly graph: Readonly<Record<string, unknown>>;
}

/** More than any person wires up; bounds what a hostile graph can make us do. */
const MAX_NODES = 1000;
/** Longer lists are counted in an error, not written out. */
const MAX_LISTED = 20;

export function validatePrompt(s: Services, prompt: Readonly<Record<string, unknown>>): Validation {
  const kinds = nodeKinds(s);
  const refused = (error: NodeError, node_errors = {}): Validation => ({ error, node_errors, graph: {} });
  const wired = wire(prompt, kinds);
  if ('type' in wired) return refused(wired);
  const outputs = [...wired].filter(([, { kind }]) => kind.isOutput).map(([id]) => id);
  if (outputs.length === 0) return refused(nodeError('prompt_no_outputs', 'Prompt has no outputs', ''));
  const errorsOf = errorsByNode(s, wired);
  const faults = new Map<string, NodeErrors>();
  const good = new Set<string>();
  for (const output of outputs) {
    const needed = reachedFrom(wired, output);
    const faulty = needed.filter((id) => errorsOf(id).length > 0);
    if (faulty.length === 0) for (const id of needed) good.add(id);
    for (const id of faulty) {
      const { class_type } = wired.get(id)!;
      const fault = faults.get(id) ?? { errors: [...errorsOf(id)], dependent_outputs: [], class_type };
      fault.dependent_outputs.push(output);
      faults.set(id, fault);
    }
  }
  const node_errors = Object.fromEntries(faults);
  if (good.size === 0) return refused(failed(node_errors), node_errors);
  return { error: null, node_errors, graph: Object.fromEntries([...good].map((id) => [id, prompt[id]])) };
}

/** The nodes with their kinds, or the one error for which ComfyUI looks no further. */
function wire(
  prompt: Readonly<Record<string, unknown>>,
  kinds: ReadonlyMap<string, ComfyNodeKind>,
): Graph | NodeError {
  const entries = Object.entries(prompt);
  const refuse = (message: string, id: string) => nodeError('invalid_prompt', message, `Node ID '#${id}'`);
  if (entries.length > MAX_NODES)
    return nodeError('invalid_prompt', `Prompt has more than ${MAX_NODES} nodes`, `${entries.length} nodes`);
  const graph = new Map<string, WiredNode>();
  for (const [id, node] of entries) {
    const { class_type, inputs = {}, _meta } = isRecord(node) ? node : {};
    if (typeof class_type !== 'string')
      return refuse('Cannot execute because a node is missing the class_type property.', id);
    const kind = kinds.get(class_type);
    if (kind === undefined) return refuse(`Cannot execute because node ${class_type} does not exist.`, id);
    const emulsion = isRecord(_meta) && isRecord(_meta['emulsion']) ? _meta['emulsion'] : {};
    graph.set(id, { class_type, kind, inputs: isRecord(inputs) ? inputs : {}, emulsion });
  }
  return graph;
}

/** Each node is looked over once, however many outputs it leads to. */
function errorsByNode(s: Services, graph: Graph): (id: string) => readonly NodeError[] {
  const known = new Map<string, NodeError[]>();
  const circular = circularNodes(graph);
  const cycle = (id: string) =>
    circular.has(id) ? [nodeError('dependency_cycle', 'Dependency cycle detected', `Node ID '#${id}'`)] : [];
  return (id) => {
    const errors = known.get(id) ?? [...cycle(id), ...ownErrors(s, graph, graph.get(id)!)];
    known.set(id, errors);
    return errors;
  };
}

/** What is wrong with a node itself, whatever is wrong behind it. */
function ownErrors(s: Services, graph: Graph, node: WiredNode): NodeError[] {
  const { required, optional } = node.kind;
  return Object.entries({ ...required, ...optional }).flatMap(([name, input]) => {
    const value = Object.hasOwn(node.inputs, name) ? node.inputs[name] : undefined;
    if (value === undefined)
      return Object.hasOwn(required, name)
        ? [nodeError('required_input_missing', 'Required input is missing', name, { input_name: name })]
        : [];
    const error = Array.isArray(value)
      ? linkError(graph, name, input, value)
      : valueError(s, node, name, input, value);
    return error === undefined ? [] : [error];
  });
}

function linkError(
  graph: Graph,
  name: string,
  input: Input,
  value: readonly unknown[],
): NodeError | undefined {
  const facts = { input_name: name, input_config: configOf(input), received_value: value };
  const [source, slot] = value;
  const isLink = value.length === 2 && ['string', 'number'].includes(typeof source) && Number.isInteger(slot);
  if (!isLink)
    return nodeError(
      'bad_linked_input',
      'Bad linked input, must be a length-2 list of [node_id, slot_index]',
      name,
      facts,
    );
  const from = graph.get(String(source));
  const received = from?.kind.outputs[Number(slot)];
  if (received === undefined) {
    const what =
      from === undefined ? `node ${source} does not exist` : `node ${source} has no output ${slot}`;
    const message = 'Exception when validating inner node';
    const more = { exception_message: what, exception_type: 'KeyError', traceback: [], linked_node: value };
    return nodeError('exception_during_inner_validation', message, `${name}: ${what}`, { ...facts, ...more });
  }
  const wanted = input.kind === 'link' ? input.type : String(inputInfo(input)[0]);
  if (received === wanted) return undefined;
  return nodeError(
    'return_type_mismatch',
    'Return type mismatch between linked nodes',
    `${name}, received_type(${received}) mismatch input_type(${wanted})`,
    { ...facts, received_type: received, linked_node: value },
  );
}

function valueError(
  s: Services,
  { emulsion }: WiredNode,
  name: string,
  input: Input,
  value: unknown,
): NodeError | undefined {
  const facts = { input_name: name, input_config: configOf(input), received_value: value };
  switch (input.kind) {
    case 'link':
      return nodeError(
        'bad_linked_input',
        'Bad linked input, must be a length-2 list of [node_id, slot_index]',
        name,
        facts,
      );
    case 'INT':
    case 'FLOAT':
      return rangeError(input, name, value, facts);
    case 'choice':
      return typeof value === 'string' && input.has(value)
        ? undefined
        : nodeError(
            'value_not_in_list',
            'Value not in list',
            `${name}: '${value}' not in ${listOf(input.values)}`,
            facts,
          );
    case 'picture':
      return isPicture(s, emulsion, value)
        ? undefined
        : nodeError(
            'custom_validation_failed',
            'Custom validation failed for node',
            `${name} - Invalid image file: ${String(value).slice(0, 200)}`,
            facts,
          );
    case 'STRING':
      return typeof value === 'string' ? undefined : unconverted('STRING', name, value, facts);
    case 'BOOLEAN':
      return undefined; // As in Python: anything is true or false.
  }
}

function rangeError(
  { kind, min, max }: Extract<Input, { kind: 'INT' | 'FLOAT' }>,
  name: string,
  value: unknown,
  facts: object,
): NodeError | undefined {
  const number = numberOf(kind, value);
  if (number === undefined) return unconverted(kind, name, value, facts);
  if (number < min)
    return nodeError('value_smaller_than_min', `Value ${number} smaller than min of ${min}`, name, facts);
  if (number > max)
    return nodeError('value_bigger_than_max', `Value ${number} bigger than max of ${max}`, name, facts);
  return undefined;
}

function unconverted(kind: string, name: string, value: unknown, facts: object): NodeError {
  const reason = `${pythonJson(value).slice(0, 200)} is no ${kind}`;
  return nodeError(
    'invalid_input_type',
    `Failed to convert an input value to a ${kind} value`,
    `${name}, ${reason}`,
    { ...facts, exception_message: reason },
  );
}

/** An uploaded one by its name, or one of ours by its contents. */
function isPicture(s: Services, emulsion: Readonly<Record<string, unknown>>, value: unknown): boolean {
  return typeof value === 'string' && ('sha256' in emulsion || inputNamed(s, value) !== null);
}

function failed(errors: Readonly<Record<string, NodeErrors>>): NodeError {
  const lines = Object.values(errors).flatMap((node) => node.errors.map((e) => `${e.message}: ${e.details}`));
  return nodeError('prompt_outputs_failed_validation', 'Prompt outputs failed validation', lines.join('\n'));
}

function listOf(values: readonly string[]): string {
  return values.length > MAX_LISTED
    ? `(list of length ${values.length})`
    : `[${values.map((value) => `'${value}'`).join(', ')}]`;
}

/** Null where it would be a long list, as ComfyUI has it. */
function configOf(input: Input) {
  return input.kind === 'choice' && input.values.length > MAX_LISTED ? null : inputInfo(input);
}
