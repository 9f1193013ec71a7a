/** ComfyUI's API graph as plain data, and its JSON: as Python writes it, and as found in files, which Python wrote too. */

/** The output of another node: its id and which of its outputs. */
export type ComfyLink = readonly [nodeId: string, slot: number];
export type ComfyInput = string | number | bigint | boolean | ComfyLink;

export interface ComfyNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, ComfyInput>>;
  readonly _meta?: {
    readonly title: string;
    /** What ComfyUI has no node for; ComfyUI passes over it, our own runner heeds it. */
    readonly emulsion?: Readonly<Record<string, unknown>>;
  };
}

/** Node id → node. */
export type ComfyGraph = Readonly<Record<string, ComfyNode>>;

/** A node of a graph from a file: inputs may be anything. */
export interface LooseNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly emulsion: Readonly<Record<string, unknown>>;
}
export type LooseGraph = ReadonlyMap<string, LooseNode>;

/** More nodes than any person wires up; the rest of a larger graph is not looked at. */
const MAX_NODES = 10_000;

/** The text Python's json.dumps writes: pure ASCII, ", " and ": " between parts; bigints as whole numbers. */
export function pythonJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return asciiString(value);
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `${asciiString(key)}: ${pythonJson(item)}`).join(', ')}}`;
}

/** Reads JSON as Python may have written it: NaN and Infinity become null, integers beyond 2^53 bigints. Throws SyntaxError. */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text, exactIntegers);
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    return JSON.parse(withoutNonFinite(text), exactIntegers);
  }
}

/** The nodes of an API graph of any origin; undefined where `value` is none. */
export function looseGraph(value: unknown): LooseGraph | undefined {
  if (!isRecord(value)) return undefined;
  const nodes = new Map<string, LooseNode>();
  for (const [id, node] of Object.entries(value).slice(0, MAX_NODES)) {
    const found = looseNode(node);
    if (found) nodes.set(id, found);
  }
  return nodes.size === 0 ? undefined : nodes;
}

/** One node of a graph of any origin; undefined where `value` is none. */
export function looseNode(value: unknown): LooseNode | undefined {
  if (!isRecord(value) || typeof value['class_type'] !== 'string' || !isRecord(value['inputs']))
    return undefined;
  const meta = isRecord(value['_meta']) ? value['_meta'] : {};
  const emulsion = isRecord(meta['emulsion']) ? meta['emulsion'] : {};
  return { class_type: value['class_type'], inputs: value['inputs'], emulsion };
}

/** The link an input holds, or undefined for a plain value. */
export function linkFrom(value: unknown): ComfyLink | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [id, slot] = value;
  const isId = typeof id === 'string' || typeof id === 'number';
  return isId && typeof slot === 'number' ? [String(id), slot] : undefined;
}

/** A JSON object; an array is none. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asciiString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Seeds have 64 bits; JavaScript numbers do not, but the source text does. */
function exactIntegers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return /^-?\d{1,40}$/.test(context?.source ?? '') ? BigInt(context!.source!) : value;
}

/** The text with NaN, Infinity and -Infinity outside strings replaced by null, in one pass. */
function withoutNonFinite(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
      continue;
    }
    const word = ['NaN', '-Infinity', 'Infinity'].find((candidate) => text.startsWith(candidate, i));
    if (!word) continue;
    parts.push(text.slice(from, i), 'null');
    i += word.length - 1;
    from = i + 1;
  }
  return parts.join('') + text.slice(from);
}
