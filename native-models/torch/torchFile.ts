/**
 * Opens .ckpt, .pt and .pth files without Python: names, shapes and places of their tensors, nothing executed.
 * Since torch 1.6 such a file is a zip of one pickle and raw storages; before, pickles followed by raw storages.
 * Either way the elements lie uncompressed in the file, so graphs can point at them as at safetensors.
 */
import {
  bytesOf,
  DTYPE_BYTES,
  REDOWNLOAD,
  readExactly,
  type TensorInfo,
  WeightsError,
  type WeightsFile,
  withRegularFile,
} from '../weights/tensors.ts';
import { allowedGlobal, storageOf } from './globals.ts';
import { type PickleRules, unpickle } from './pickle.ts';
import { isKind, type PickleValue, type Storage, type StoredTensor } from './pickleValues.ts';
import { stateDictOf } from './stateDict.ts';
import { openZip } from './zip.ts';

/** The pickle of a checkpoint with all its training state stays below a tenth of this. */
const MAX_PICKLE_BYTES = 32 * 2 ** 20;

/** The legacy format begins with this number, pickled, then its protocol version. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/** Reads names and places. Throws WeightsError: a Python name or opcode outside the allow-list, damage, another format. */
export function openTorchFile(path: string): WeightsFile {
  return withRegularFile(path, (fd, fileSize) => {
    const start = readExactly(fd, path, 0, Math.min(4, fileSize));
    if (isZip(start)) return openArchive(fd, path, fileSize);
    if (start[0] === 0x80) return openLegacy(fd, path, fileSize);
    throw new WeightsError(
      path,
      'this is neither a torch archive nor a pickle',
      'Choose a .safetensors, .ckpt, .pt or .pth file',
    );
  });
}

/**
 * Whether a file that begins so (nine bytes tell) is for openTorchFile: a zip, or a pickle of protocol 2 and later. One
 * safetensors header in two thousand has a length that begins like a pickle; its JSON, which follows, does not.
 */
export function looksLikeTorch(start: Uint8Array): boolean {
  return isZip(start) || (start[0] === 0x80 && start[1]! >= 2 && start[1]! <= 5 && start[8] !== BRACE);
}

const BRACE = 0x7b;

function isZip(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4;
}

/** Where a storage's elements begin, and how many bytes there are. */
type Place = (storage: Storage) => { readonly offset: number; readonly size: number };

function openArchive(fd: number, path: string, fileSize: number): WeightsFile {
  const archive = openZip(fd, path, fileSize);
  const pickleName = archive.names.find((name) => /^([^/]*\/)?data\.pkl$/.test(name));
  if (pickleName === undefined)
    throw new WeightsError(
      path,
      'this zip archive holds no torch model',
      'Unpack it and choose the model inside',
    );
  const folder = pickleName.slice(0, -'data.pkl'.length);
  checkArchive(path, archive.names, folder);
  if (archive.names.includes(`${folder}byteorder`)) {
    const { offset, size } = archive.locate(`${folder}byteorder`);
    checkByteOrder(path, new TextDecoder().decode(readExactly(fd, path, offset, Math.min(size, 16))));
  }
  const { offset, size } = archive.locate(pickleName);
  if (size > MAX_PICKLE_BYTES) throw refusal(path)('its pickle is far longer than that of any model');
  const { value } = unpickle(readExactly(fd, path, offset, size), 0, rulesFor(path));
  return weightsFile(path, value, ({ key }) => archive.locate(`${folder}data/${key}`));
}

function checkArchive(path: string, names: readonly string[], folder: string): void {
  if (!names.some((name) => name === `${folder}constants.pkl` || name.startsWith(`${folder}code/`))) return;
  throw new WeightsError(
    path,
    'this is a TorchScript program, not plain weights',
    'Look for the model as a .safetensors or state-dict file',
  );
}

function checkByteOrder(path: string, order: string): void {
  if (order === 'little') return;
  throw new WeightsError(
    path,
    `its numbers are stored in ${JSON.stringify(order)}-endian order`,
    'Save it again on an ordinary computer',
  );
}

/** Five pickles (magic, version, machine, object, storage keys), then each storage: its length as u64, its elements. */
function openLegacy(fd: number, path: string, fileSize: number): WeightsFile {
  const bytes = readExactly(fd, path, 0, Math.min(fileSize, MAX_PICKLE_BYTES));
  const dtypes = new Map<string, Storage['dtype']>();
  const rules = rulesFor(path, ({ key, dtype }) => void dtypes.set(key, dtype));
  let at = 0;
  const next = (): PickleValue => {
    const { value, end } = unpickle(bytes, at, rules);
    at = end;
    return value;
  };
  if (next() !== LEGACY_MAGIC || next() !== LEGACY_PROTOCOL) {
    throw new WeightsError(
      path,
      'this pickle was not saved by torch',
      'Choose a model file, as .safetensors if there is one',
    );
  }
  const machine = next();
  if (!isKind(machine, 'dict') || machine.entries.get('little_endian') !== true)
    checkByteOrder(path, 'unknown');
  const root = next();
  const places = legacyPlaces(fd, path, fileSize, next(), at, dtypes);
  return weightsFile(path, root, ({ key }) => places.get(key) ?? missingStorage(path, key));
}

function missingStorage(path: string, key: string): never {
  throw new WeightsError(path, `storage "${key}" is missing`, REDOWNLOAD);
}

function legacyPlaces(
  fd: number,
  path: string,
  fileSize: number,
  keys: PickleValue,
  start: number,
  dtypes: ReadonlyMap<string, Storage['dtype']>,
): Map<string, ReturnType<Place>> {
  if (!isKind(keys, 'list')) throw refusal(path)('its list of storages is malformed');
  const places = new Map<string, ReturnType<Place>>();
  let at = start;
  for (const key of keys.items) {
    const dtype = typeof key === 'string' ? dtypes.get(key) : undefined;
    if (typeof key !== 'string' || !dtype) throw refusal(path)('its list of storages is malformed');
    if (at + 8 > fileSize) missingStorage(path, key);
    const length = new DataView(readExactly(fd, path, at, 8).buffer).getBigUint64(0, true);
    const size = Number(length) * DTYPE_BYTES[dtype];
    at += 8 + size;
    if (at > fileSize) throw new WeightsError(path, `storage "${key}" is cut off`, REDOWNLOAD);
    places.set(key, { offset: at - size, size });
  }
  return places;
}

function refusal(path: string): (problem: string) => WeightsError {
  return (problem) =>
    new WeightsError(path, problem, 'Nothing of it was run; look for the model as .safetensors');
}

function rulesFor(path: string, onStorage: (storage: Storage) => void = () => undefined): PickleRules {
  const refuse = refusal(path);
  return {
    refuse,
    global: (name) => allowedGlobal(name, refuse),
    persistent: (id) => {
      const storage = storageOf(id);
      if (!storage) throw refuse('it refers to something that is no storage of numbers');
      onStorage(storage);
      return storage;
    },
  };
}

function weightsFile(path: string, root: PickleValue, place: Place): WeightsFile {
  const { tensors: stored, metadata } = stateDictOf(root, refusal(path));
  const tensors = new Map<string, TensorInfo>();
  const skipped = new Map<string, string>();
  for (const [name, tensor] of stored) {
    if (isContiguous(tensor)) tensors.set(name, tensorInfo(path, name, tensor, place(tensor.storage)));
    else skipped.set(name, 'is a strided view, which cannot be used in place');
  }
  return { path, tensors, metadata, ...(skipped.size > 0 && { skipped }) };
}

/** Whether the elements follow each other in row-major order; axes of length 1 may have any stride. */
function isContiguous({ shape, strides }: StoredTensor): boolean {
  if (shape.includes(0)) return true;
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis]!;
  }
  return true;
}

/** The tensor's elements must lie within its storage, and that within the file. */
function tensorInfo(path: string, name: string, tensor: StoredTensor, place: ReturnType<Place>): TensorInfo {
  const { dtype, shape, storage } = tensor;
  const byteLength = bytesOf(dtype, shape);
  const begin = storage.start * DTYPE_BYTES[storage.dtype] + tensor.offset * DTYPE_BYTES[dtype];
  const available = Math.min(place.size, (storage.start + storage.length) * DTYPE_BYTES[storage.dtype]);
  if (!(begin + byteLength <= available)) {
    throw new WeightsError(path, `tensor "${name}" reaches beyond its storage`, REDOWNLOAD);
  }
  return { name, path, dtype, shape, offset: place.offset + begin, byteLength };
}
