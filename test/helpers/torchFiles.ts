/** Writes torch files without torch: pickles of protocol 2 with torch's memo habits, zip archives and the legacy stream. */
import { zipBytes } from './zipFiles.ts';

/** A Python object to pickle. */
export type Node =
  | null
  | boolean
  | number
  | bigint
  | string
  | { readonly tuple: readonly Node[] }
  | { readonly list: readonly Node[] }
  | { readonly dict: readonly (readonly [Node, Node])[] }
  | { readonly global: string }
  | {
      readonly call: Node;
      readonly args: readonly Node[];
      readonly items?: readonly (readonly [Node, Node])[];
      readonly state?: Node;
    }
  | { readonly make: Node; readonly args: readonly Node[]; readonly state?: Node }
  | { readonly persistent: Node }
  | { readonly bytes: readonly number[] };

interface Memo {
  readonly seen: Map<string, number>;
  next: number;
}

/** Pickles as CPython's protocol 2 does: every object remembered, repeated texts and names recalled. */
export function pickle(root: Node): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x80, 2, ...encode(root, { seen: new Map(), next: 0 }), 0x2e]);
}

function encode(node: Node, memo: Memo): number[] {
  if (node === null) return [0x4e];
  if (typeof node === 'boolean') return [node ? 0x88 : 0x89];
  if (typeof node === 'number') return encodeNumber(node);
  if (typeof node === 'bigint') return encodeLong(node);
  if (typeof node === 'string')
    return once(memo, `text ${node}`, [0x58, ...int32(utf8(node).length), ...utf8(node)]);
  if ('bytes' in node) return [0x43, node.bytes.length, ...node.bytes];
  if ('tuple' in node) return encodeTuple(node.tuple, memo);
  if ('list' in node)
    return [0x5d, ...remember(memo), 0x28, ...node.list.flatMap((item) => encode(item, memo)), 0x65];
  if ('dict' in node) return [0x7d, ...remember(memo), ...encodeItems(node.dict, memo)];
  if ('global' in node)
    return once(memo, node.global, [0x63, ...utf8(`${node.global.replace(' ', '\n')}\n`)]);
  if ('persistent' in node) return [...encode(node.persistent, memo), 0x51];
  return encodeCall(node, memo);
}

function encodeCall(node: Extract<Node, { readonly args: unknown }>, memo: Memo): number[] {
  const [callee, opcode] = 'call' in node ? [node.call, 0x52] : [node.make, 0x81];
  const made = [...encode(callee, memo), ...encodeTuple(node.args, memo), opcode, ...remember(memo)];
  const items = 'items' in node && node.items ? encodeItems(node.items, memo) : [];
  return [...made, ...items, ...(node.state === undefined ? [] : [...encode(node.state, memo), 0x62])];
}

function encodeTuple(items: readonly Node[], memo: Memo): number[] {
  if (items.length === 0) return [0x29];
  const parts = items.flatMap((item) => encode(item, memo));
  const short = [0x85, 0x86, 0x87][items.length - 1];
  return short === undefined
    ? [0x28, ...parts, 0x74, ...remember(memo)]
    : [...parts, short, ...remember(memo)];
}

function encodeItems(items: readonly (readonly [Node, Node])[], memo: Memo): number[] {
  const parts = items.flat().flatMap((item) => encode(item, memo));
  if (items.length < 2) return items.length === 0 ? [] : [...parts, 0x73];
  return [0x28, ...parts, 0x75];
}

function encodeNumber(value: number): number[] {
  if (!Number.isInteger(value)) return [0x47, ...new Uint8Array(Float64Array.of(value).buffer).toReversed()];
  if (value >= 0 && value < 256) return [0x4b, value];
  if (value >= 0 && value < 65536) return [0x4d, value & 255, value >> 8];
  return Math.abs(value) < 2 ** 31 ? [0x4a, ...int32(value)] : encodeLong(BigInt(value));
}

function encodeLong(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0n; rest >>= 8n) bytes.push(Number(rest & 255n));
  if ((bytes.at(-1) ?? 0) & 0x80) bytes.push(0);
  return [0x8a, bytes.length, ...bytes];
}

/** The code for an object, or the code that recalls it. */
function once(memo: Memo, key: string, code: readonly number[]): number[] {
  const index = memo.seen.get(key);
  if (index !== undefined) return index < 256 ? [0x68, index] : [0x6a, ...int32(index)];
  memo.seen.set(key, memo.next);
  return [...code, ...remember(memo)];
}

function remember(memo: Memo): number[] {
  const index = memo.next++;
  return index < 256 ? [0x71, index] : [0x72, ...int32(index)];
}

function int32(value: number): number[] {
  return [...new Uint8Array(Int32Array.of(value).buffer)];
}

function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

const ORDERED_DICT = { global: 'collections OrderedDict' } as const;

export function orderedDict(items: readonly (readonly [Node, Node])[], state?: Node): Node {
  return { call: ORDERED_DICT, args: [], items, ...(state !== undefined && { state }) };
}

export interface TorchTensor {
  readonly key: string;
  /** Elements in the storage. */
  readonly length: number;
  readonly shape: readonly number[];
  readonly type?: string;
  readonly offset?: number;
  readonly strides?: readonly number[];
  /** Legacy: [key, first element, length] of a part of the storage. */
  readonly view?: readonly [string, number, number];
}

/** A tensor as torch.save pickles it. `type` is the storage class, FloatStorage unless given. */
export function tensor({
  key,
  length,
  shape,
  type = 'torch FloatStorage',
  offset = 0,
  strides = rowMajor(shape),
  view,
}: TorchTensor): Node {
  const id = ['storage', { global: type }, key, 'cpu', length, ...(view ? [{ tuple: view }] : [])];
  const storage = { persistent: { tuple: id } };
  const sizes = [{ tuple: shape }, { tuple: strides }];
  return {
    call: { global: 'torch._utils _rebuild_tensor_v2' },
    args: [storage, offset, ...sizes, false, orderedDict([])],
  };
}

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, dim) => product * dim, 1));
}

/** A file as today's torch.save writes it: archive/data.pkl, archive/byteorder, archive/data/KEY, archive/version. */
export function torchArchive(
  root: Node,
  storages: Readonly<Record<string, Uint8Array>>,
  options: { wide?: boolean; byteorder?: string } = {},
): Uint8Array<ArrayBuffer> {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const data = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes] as const);
  const entries = [
    ['archive/data.pkl', pickle(root)],
    ['archive/byteorder', encode(options.byteorder ?? 'little')],
    ...data,
    ['archive/version', encode('3\n')],
  ] as const;
  return zipBytes(entries, options.wide);
}

/** A file as torch.save wrote it before 1.6. Storages follow the pickles, each with its length in elements. */
export function torchLegacy(
  root: Node,
  storages: readonly { readonly key: string; readonly length: number; readonly bytes: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  const sizes: Node = {
    dict: [
      ['short', 2],
      ['int', 4],
      ['long', 4],
    ],
  };
  const machine: Node = {
    dict: [
      ['protocol_version', 1001],
      ['little_endian', true],
      ['type_sizes', sizes],
    ],
  };
  const keys: Node = { list: storages.map(({ key }) => key) };
  const pickles = [0x1950a86a20f9469cfc6cn, 1001, machine, root, keys].map((node) => pickle(node as Node));
  const data = storages.flatMap(({ length, bytes }) => [
    new Uint8Array(BigUint64Array.of(BigInt(length)).buffer),
    bytes,
  ]);
  return new Uint8Array(Buffer.concat([...pickles, ...data]));
}

/** Storage classes by the name safetensors has for the element type. */
const STORAGE_CLASSES: Readonly<Record<string, string>> = {
  F32: 'torch FloatStorage',
  F16: 'torch HalfStorage',
  I64: 'torch LongStorage',
};

export interface TorchEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A state dict as torch.save writes it, each tensor in a storage of its own. */
export function torchStateDict(entries: ReadonlyMap<string, TorchEntry>): {
  root: Node;
  storages: Record<string, Uint8Array>;
} {
  const items: (readonly [Node, Node])[] = [];
  const storages: Record<string, Uint8Array> = {};
  for (const [name, { dtype, shape, bytes }] of entries) {
    const key = String(items.length);
    const length = shape.reduce((product, dim) => product * dim, 1);
    items.push([name, tensor({ key, length, shape, type: STORAGE_CLASSES[dtype]! })]);
    storages[key] = bytes;
  }
  return { root: orderedDict(items), storages };
}
