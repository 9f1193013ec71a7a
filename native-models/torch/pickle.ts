/**
 * A pickle machine that only builds data. It knows the opcodes that torch.save writes (protocols 2 to 5) and refuses
 * the others by name; names of Python objects are looked up in the caller's allow-list. Nothing is imported or run.
 * Opcodes: CPython's Lib/pickletools.py.
 */
import { isKind, type PickleValue, type Sequence } from './pickleValues.ts';

export interface PickleRules {
  /** The inert stand-in for "module.name"; throws for what is not allowed. */
  readonly global: (name: string) => PickleValue;
  /** What a persistent id (torch's reference to a storage) stands for. */
  readonly persistent: (id: PickleValue) => PickleValue;
  /** Makes the error for a pickle that is damaged or asks for more than data. */
  readonly refuse: (problem: string) => Error;
}

/** Bounds far beyond any checkpoint's, so that no input can exhaust memory. */
const MAX_OPERATIONS = 4_000_000;
const MAX_OBJECTS = 400_000;
const MAX_INTEGER_BYTES = 64;

interface Machine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rules: PickleRules;
  readonly stack: PickleValue[];
  /** Stack heights at which MARK was met. */
  readonly marks: number[];
  readonly memo: Map<number, PickleValue>;
  at: number;
  objects: number;
}

/** Reads one pickle beginning at `start`; `end` is the byte after it. Throws what `rules.refuse` makes. */
export function unpickle(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  rules: PickleRules,
): { value: PickleValue; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const machine: Machine = {
    bytes,
    view,
    rules,
    stack: [],
    marks: [],
    memo: new Map(),
    at: start,
    objects: 0,
  };
  for (let operations = 0; operations < MAX_OPERATIONS; operations++) {
    const code = uint(machine, 1);
    if (code === STOP) return { value: pop(machine), end: machine.at };
    const run = OPCODES.get(code);
    if (!run)
      throw rules.refuse(`it contains the pickle opcode ${REFUSED.get(code) ?? `0x${code.toString(16)}`}`);
    run(machine);
  }
  throw rules.refuse('its pickle is far longer than that of any model');
}

const STOP = 0x2e;

const OPCODES: ReadonlyMap<number, (machine: Machine) => void> = new Map<number, (machine: Machine) => void>([
  [0x80, (m) => void take(m, 1)], // PROTO
  [0x95, (m) => void take(m, 8)], // FRAME
  [0x28, (m) => void m.marks.push(m.stack.length)], // MARK
  [0x30, (m) => void pop(m)], // POP
  [0x31, (m) => void popToMark(m)], // POP_MARK
  [0x32, (m) => m.stack.push(top(m))], // DUP
  [0x4e, (m) => m.stack.push(null)], // NONE
  [0x88, (m) => m.stack.push(true)], // NEWTRUE
  [0x89, (m) => m.stack.push(false)], // NEWFALSE
  [0x4b, (m) => m.stack.push(uint(m, 1))], // BININT1
  [0x4d, (m) => m.stack.push(uint(m, 2))], // BININT2
  [0x4a, (m) => m.stack.push(m.view.getInt32(advance(m, 4), true))], // BININT
  [0x8a, (m) => m.stack.push(integer(m, uint(m, 1)))], // LONG1
  [0x8b, (m) => m.stack.push(integer(m, uint(m, 4)))], // LONG4
  [0x47, (m) => m.stack.push(m.view.getFloat64(advance(m, 8), false))], // BINFLOAT
  [0x8c, (m) => m.stack.push(text(m, uint(m, 1)))], // SHORT_BINUNICODE
  [0x58, (m) => m.stack.push(text(m, uint(m, 4)))], // BINUNICODE
  [0x8d, (m) => m.stack.push(text(m, uint(m, 8)))], // BINUNICODE8
  [0x55, (m) => m.stack.push(text(m, uint(m, 1)))], // SHORT_BINSTRING, Python 2
  [0x54, (m) => m.stack.push(text(m, uint(m, 4)))], // BINSTRING, Python 2
  [0x43, (m) => m.stack.push(raw(m, uint(m, 1)))], // SHORT_BINBYTES
  [0x42, (m) => m.stack.push(raw(m, uint(m, 4)))], // BINBYTES
  [0x8e, (m) => m.stack.push(raw(m, uint(m, 8)))], // BINBYTES8
  [0x7d, (m) => m.stack.push({ kind: 'dict', entries: new Map(counted(m, [])) })], // EMPTY_DICT
  [0x5d, (m) => pushSequence(m, 'list', [])], // EMPTY_LIST
  [0x29, (m) => pushSequence(m, 'tuple', [])], // EMPTY_TUPLE
  [0x8f, (m) => pushSequence(m, 'set', [])], // EMPTY_SET
  [0x91, (m) => pushSequence(m, 'set', popToMark(m))], // FROZENSET
  [0x6c, (m) => pushSequence(m, 'list', popToMark(m))], // LIST
  [0x74, (m) => pushSequence(m, 'tuple', popToMark(m))], // TUPLE
  [0x85, (m) => pushSequence(m, 'tuple', popMany(m, 1))], // TUPLE1
  [0x86, (m) => pushSequence(m, 'tuple', popMany(m, 2))], // TUPLE2
  [0x87, (m) => pushSequence(m, 'tuple', popMany(m, 3))], // TUPLE3
  [0x61, (m) => append(m, popMany(m, 1))], // APPEND
  [0x65, (m) => append(m, popToMark(m))], // APPENDS
  [0x90, (m) => append(m, popToMark(m))], // ADDITEMS
  [0x73, (m) => setItems(m, popMany(m, 2))], // SETITEM
  [0x75, (m) => setItems(m, popToMark(m))], // SETITEMS
  [0x71, (m) => void m.memo.set(uint(m, 1), top(m))], // BINPUT
  [0x72, (m) => void m.memo.set(uint(m, 4), top(m))], // LONG_BINPUT
  [0x94, (m) => void m.memo.set(m.memo.size, top(m))], // MEMOIZE
  [0x68, (m) => m.stack.push(recall(m, uint(m, 1)))], // BINGET
  [0x6a, (m) => m.stack.push(recall(m, uint(m, 4)))], // LONG_BINGET
  [0x63, (m) => pushGlobal(m, line(m), line(m))], // GLOBAL
  [0x93, (m) => pushGlobal(m, ...(popMany(m, 2) as [PickleValue, PickleValue]))], // STACK_GLOBAL
  [0x52, reduce], // REDUCE
  [0x81, reduce], // NEWOBJ: for inert stand-ins, making and calling are the same
  [0x62, build], // BUILD
  [0x51, (m) => m.stack.push(m.rules.persistent(pop(m)))], // BINPERSID
]);

/** The opcodes that exist but no weights need; those that import by number or fill buffers from outside among them. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [0x46, 'FLOAT'],
  [0x49, 'INT'],
  [0x4c, 'LONG'],
  [0x50, 'PERSID'],
  [0x53, 'STRING'],
  [0x56, 'UNICODE'],
  [0x64, 'DICT'],
  [0x67, 'GET'],
  [0x69, 'INST'],
  [0x6f, 'OBJ'],
  [0x70, 'PUT'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x92, 'NEWOBJ_EX'],
  [0x96, 'BYTEARRAY8'],
  [0x97, 'NEXT_BUFFER'],
  [0x98, 'READONLY_BUFFER'],
]);

/** Moves past `length` bytes and returns where they began. */
function advance(m: Machine, length: number): number {
  if (length > m.bytes.length - m.at) throw m.rules.refuse('its pickle ends too early');
  m.at += length;
  return m.at - length;
}

function take(m: Machine, length: number): Uint8Array {
  const start = advance(m, length);
  return m.bytes.subarray(start, start + length);
}

function uint(m: Machine, bytes: 1 | 2 | 4 | 8): number {
  const at = advance(m, bytes);
  if (bytes === 1) return m.view.getUint8(at);
  if (bytes === 2) return m.view.getUint16(at, true);
  return bytes === 4 ? m.view.getUint32(at, true) : Number(m.view.getBigUint64(at, true));
}

/** A little-endian two's-complement integer: a number where it is exact, else a bigint. */
function integer(m: Machine, length: number): number | bigint {
  if (length > MAX_INTEGER_BYTES) throw m.rules.refuse(`its pickle has an integer of ${length} bytes`);
  const bytes = take(m, length);
  const unsigned = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const value = BigInt.asIntN(8 * length, unsigned);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function text(m: Machine, length: number): string {
  return new TextDecoder().decode(take(m, length));
}

function raw(m: Machine, length: number): Uint8Array {
  return counted(m, take(m, length));
}

/** Text up to a newline, as GLOBAL has its two names. */
function line(m: Machine): string {
  const end = m.bytes.indexOf(0x0a, m.at);
  if (end < 0) throw m.rules.refuse('its pickle ends too early');
  const found = text(m, end - m.at);
  m.at = end + 1;
  return found;
}

/** Counts one more object against the bound. */
function counted<T>(m: Machine, made: T): T {
  if (++m.objects > MAX_OBJECTS) throw m.rules.refuse('its pickle has far more objects than any model');
  return made;
}

function top(m: Machine): PickleValue {
  const value = m.stack.at(-1);
  if (value === undefined || m.stack.length <= (m.marks.at(-1) ?? 0))
    throw m.rules.refuse('its pickle is malformed');
  return value;
}

function pop(m: Machine): PickleValue {
  const value = top(m);
  m.stack.pop();
  return value;
}

function popMany(m: Machine, count: number): PickleValue[] {
  if (m.stack.length - (m.marks.at(-1) ?? 0) < count) throw m.rules.refuse('its pickle is malformed');
  return m.stack.splice(m.stack.length - count);
}

function popToMark(m: Machine): PickleValue[] {
  const mark = m.marks.pop();
  if (mark === undefined) throw m.rules.refuse('its pickle is malformed');
  return m.stack.splice(mark);
}

function pushSequence(m: Machine, kind: Sequence['kind'], items: PickleValue[]): void {
  m.stack.push(counted(m, { kind, items }));
}

function append(m: Machine, items: readonly PickleValue[]): void {
  const list = top(m);
  if (!isKind(list, 'list', 'set')) throw m.rules.refuse('its pickle appends to what is no list');
  for (const item of items) list.items.push(item);
}

function setItems(m: Machine, items: readonly PickleValue[]): void {
  const dict = top(m);
  if (!isKind(dict, 'dict') || items.length % 2 !== 0)
    throw m.rules.refuse('its pickle sets items of what is no dict');
  for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i]!, items[i + 1]!);
}

function recall(m: Machine, index: number): PickleValue {
  const value = m.memo.get(index);
  if (value === undefined) throw m.rules.refuse('its pickle is malformed');
  return value;
}

function pushGlobal(m: Machine, module: PickleValue, name: PickleValue): void {
  m.stack.push(counted(m, m.rules.global(`${String(module)}.${String(name)}`)));
}

/** Calls the allow-list's own stand-in. A dict copies its pairs, so they count: a few bytes can ask for it again and again. */
function reduce(m: Machine): void {
  const [callee, args] = popMany(m, 2);
  if (!isKind(callee, 'global') || !isKind(args, 'tuple'))
    throw m.rules.refuse('its pickle calls what is no function');
  const made = callee.call(args.items);
  if (isKind(made, 'dict')) m.objects += made.entries.size;
  m.stack.push(counted(m, made));
}

/** Attributes of an OrderedDict (state_dict's _metadata) are dropped, those of an inert object kept aside. */
function build(m: Machine): void {
  const state = pop(m);
  const built = top(m);
  if (isKind(built, 'inert')) built.state = state;
  else if (!isKind(built, 'dict')) throw m.rules.refuse('its pickle sets attributes of what is no object');
}
