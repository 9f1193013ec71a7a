/** Torch files as torch writes them open in place; anything that could run code is refused by name. */
import { describe, expect, it } from 'vitest';
import { openTorchFile } from '../../native-models/torch/torchFile.ts';
import { openWeights } from '../../native-models/weights/open.ts';
import { readFloat32, readTensorBytes, WeightsError } from '../../native-models/weights/tensors.ts';
import {
  type Node,
  orderedDict,
  pickle,
  type TorchTensor,
  tensor,
  torchArchive,
  torchLegacy,
} from '../helpers/torchFiles.ts';
import { fileOf } from '../helpers/weightFiles.ts';
import { zipBytes } from '../helpers/zipFiles.ts';

const SIX = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer);
const HALVES = new Uint8Array(Float16Array.of(0.5, 1.5, 2.5, 3.5).buffer);
const W: TorchTensor = { key: '0', length: 6, shape: [2, 3] };
const B: TorchTensor = { key: '1', length: 4, shape: [2], offset: 1, type: 'torch HalfStorage' };
const WEIGHTS = orderedDict(
  [
    ['w', tensor(W)],
    ['b', tensor(B)],
  ],
  { dict: [['_metadata', orderedDict([])]] },
);
const STORAGES = { 0: SIX, 1: HALVES };
const LEGACY_STORAGES = [
  { key: '1', length: 4, bytes: HALVES },
  { key: '0', length: 6, bytes: SIX },
];

function archive(root: Node, storages: Readonly<Record<string, Uint8Array>> = STORAGES): string {
  return fileOf(torchArchive(root, storages), 'model.ckpt');
}

describe('sound files', () => {
  it.each([
    ['archive', torchArchive(WEIGHTS, STORAGES)],
    ['archive with 64-bit places', torchArchive(WEIGHTS, STORAGES, { wide: true })],
    ['legacy stream', torchLegacy(WEIGHTS, LEGACY_STORAGES)],
  ])('%s', (_name, bytes) => {
    const file = openWeights(fileOf(bytes, 'model.pt'));
    expect(file.tensors.get('w')).toMatchObject({ dtype: 'F32', shape: [2, 3], byteLength: 24 });
    expect([...readFloat32(file, 'w')]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...readFloat32(file, 'b')]).toEqual([1.5, 2.5]);
    expect(file.skipped).toBeUndefined();
  });

  it.each([
    ['torch DoubleStorage', 'F64', 8],
    ['torch FloatStorage', 'F32', 4],
    ['torch.cuda FloatStorage', 'F32', 4],
    ['torch HalfStorage', 'F16', 2],
    ['torch BFloat16Storage', 'BF16', 2],
    ['torch LongStorage', 'I64', 8],
    ['torch IntStorage', 'I32', 4],
    ['torch ShortStorage', 'I16', 2],
    ['torch CharStorage', 'I8', 1],
    ['torch ByteStorage', 'U8', 1],
    ['torch BoolStorage', 'BOOL', 1],
  ])('%s is %s', (type, dtype, size) => {
    const file = openTorchFile(
      archive(
        { dict: [['x', tensor({ key: '0', length: 2, shape: [2], type })]] },
        { 0: SIX.slice(0, 2 * size) },
      ),
    );
    expect(file.tensors.get('x')).toMatchObject({ dtype, byteLength: 2 * size });
  });

  it('reads the newest element types beside an untyped storage', () => {
    const storage: Node = {
      persistent: { tuple: ['storage', { global: 'torch.storage UntypedStorage' }, '0', 'cpu', 24] },
    };
    const sizes: Node[] = [{ tuple: [3] }, { tuple: [1] }];
    const rebuild: Node = {
      call: { global: 'torch._utils _rebuild_tensor_v3' },
      args: [storage, 2, ...sizes, false, orderedDict([]), { global: 'torch float8_e4m3fn' }],
    };
    const file = openTorchFile(archive({ dict: [['x', rebuild]] }));
    expect(file.tensors.get('x')).toMatchObject({ dtype: 'F8_E4M3', byteLength: 3 });
    expect(readTensorBytes(file, 'x')).toEqual(SIX.slice(2, 5));
  });

  it('takes the weights of a training checkpoint and its plain values, and reads over the rest', () => {
    const callback: Node = { global: 'pytorch_lightning.callbacks.model_checkpoint ModelCheckpoint' };
    const score: Node = {
      call: { global: 'numpy.core.multiarray scalar' },
      args: [{ make: { global: 'numpy dtype' }, args: ['f8'], state: { tuple: [3] } }, { bytes: [1, 2] }],
    };
    const optimizer: Node = {
      list: [{ dict: [['state', { dict: [[0, { dict: [['exp_avg', tensor({ ...W, key: '7' })]] }]] }]] }],
    };
    const root: Node = {
      dict: [
        ['epoch', 3],
        ['global_step', 470000],
        ['lr', 0.0001],
        ['state_dict', WEIGHTS],
        ['callbacks', { dict: [[callback, { dict: [['best', score]] }]] }],
        ['optimizer_states', optimizer],
      ],
    };
    const file = openTorchFile(archive(root));
    expect([...file.tensors.keys()]).toEqual(['w', 'b']);
    expect(file.metadata).toEqual({ epoch: '3', global_step: '470000', lr: '0.0001' });
  });

  it('reads a textual inversion with its ParameterDict', () => {
    const vectors: Node = {
      call: { global: 'torch._utils _rebuild_parameter' },
      args: [tensor(W), true, orderedDict([])],
    };
    const parameters: Node = {
      make: { global: 'torch.nn.modules.container ParameterDict' },
      args: [],
      state: {
        dict: [
          ['training', true],
          ['_parameters', orderedDict([['*', vectors]])],
        ],
      },
    };
    const token = tensor({ key: '1', length: 1, shape: [], type: 'torch LongStorage' });
    const root: Node = {
      dict: [
        ['string_to_token', { dict: [['*', token]] }],
        ['string_to_param', parameters],
        ['name', 'my-style'],
        ['step', 5000],
      ],
    };
    const file = openTorchFile(archive(root));
    expect([...file.tensors.keys()]).toEqual(['string_to_token.*', 'string_to_param.*']);
    expect(file.metadata).toEqual({ name: 'my-style', step: '5000' });
  });

  it('keeps nested names, as upscalers have them', () => {
    const file = openTorchFile(archive({ dict: [['params_ema', WEIGHTS]] }));
    expect([...file.tensors.keys()]).toEqual(['params_ema.w', 'params_ema.b']);
  });

  it('reads legacy views of a storage', () => {
    const view = tensor({ ...W, shape: [2], view: ['0-view', 3, 2] });
    const file = openTorchFile(fileOf(torchLegacy({ dict: [['v', view]] }, [LEGACY_STORAGES[1]!])));
    expect([...readFloat32(file, 'v')]).toEqual([3, 4]);
  });

  it('takes no notice of strides on axes of length one, nor of empty tensors', () => {
    const root: Node = {
      dict: [
        ['one', tensor({ ...W, shape: [1, 6, 1], strides: [99, 1, 7] })],
        ['none', tensor({ ...W, shape: [0, 3], strides: [5, 5] })],
      ],
    };
    expect(openTorchFile(archive(root)).tensors.get('one')!.byteLength).toBe(24);
    expect(openTorchFile(archive(root)).tensors.get('none')!.byteLength).toBe(0);
  });

  it('sets strided views aside with the reason', () => {
    const file = openTorchFile(
      archive({
        dict: [
          ['t', tensor({ ...W, shape: [3, 2], strides: [1, 3] })],
          ['w', tensor(W)],
        ],
      }),
    );
    expect([...file.tensors.keys()]).toEqual(['w']);
    expect(() => readFloat32(file, 't')).toThrow(/tensor "t" is a strided view/);
  });
});

describe('refusals', () => {
  const object = (root: Node): Uint8Array => torchArchive(root, STORAGES);
  const rawPickle = (...codes: number[]): Uint8Array =>
    zipBytes([['archive/data.pkl', Uint8Array.from([0x80, 2, ...codes, 0x2e])]]);
  const nested = (): Node =>
    Array.from({ length: 12 }).reduce<Node>((inner) => ({ dict: [['a', inner]] }), tensor(W));
  it.each<[string, Uint8Array, RegExp]>([
    [
      'a system call',
      object({ call: { global: 'os system' }, args: ['touch /tmp/owned'] }),
      /wants to use "os\.system", which no weights need/,
    ],
    ['eval', object({ call: { global: 'builtins eval' }, args: ['1'] }), /"builtins\.eval"/],
    [
      'a name from an object prototype',
      object({ global: 'constructor constructor' }),
      /"constructor\.constructor"/,
    ],
    [
      'a whole pickled network',
      object({ global: 'basicsr.archs.rrdbnet_arch RRDBNet' }),
      /"basicsr\.archs\.rrdbnet_arch\.RRDBNet"/,
    ],
    ['a sparse tensor', object({ global: 'torch._utils _rebuild_sparse_tensor' }), /_rebuild_sparse_tensor/],
    [
      'a complex tensor',
      object({ dict: [['x', tensor({ ...W, type: 'torch ComplexFloatStorage' })]] }),
      /ComplexFloatStorage/,
    ],
    [
      'a reference to anything but a storage',
      object({ persistent: { tuple: ['module', 'x'] } }),
      /no storage of numbers/,
    ],
    [
      'calling a type',
      object({ call: { global: 'torch FloatStorage' }, args: [] }),
      /misuses "torch\.FloatStorage"/,
    ],
    ['calling data', object({ call: { tuple: [] }, args: [] }), /calls what is no function/],
    [
      'a tensor of a negative shape',
      object({ dict: [['x', tensor({ ...W, shape: [-2, -3] })]] }),
      /misuses "torch\._utils\._rebuild_tensor_v2"/,
    ],
    [
      'a tensor beyond its storage',
      object({ dict: [['x', tensor({ ...W, offset: 1 })]] }),
      /"x" reaches beyond its storage/,
    ],
    [
      'a storage shorter than stated',
      torchArchive(WEIGHTS, { 0: SIX.slice(4), 1: HALVES }),
      /"w" reaches beyond its storage/,
    ],
    ['a storage that is missing', torchArchive(WEIGHTS, { 1: HALVES }), /"archive\/data\/0" is missing/],
    ['dictionaries without end', object(nested()), /nested beyond/],
    ['the opcode INST', rawPickle(0x28, 0x69), /opcode INST/],
    ['the opcode EXT1', rawPickle(0x82, 1), /opcode EXT1/],
    ['the opcode NEXT_BUFFER', rawPickle(0x97), /opcode NEXT_BUFFER/],
    ['no opcode at all', rawPickle(0xfe), /opcode 0xfe/],
    ['a text longer than the file', rawPickle(0x58, 255, 255, 255, 127), /ends too early/],
    ['an integer of a kilobyte', rawPickle(0x8b, 0, 4, 0, 0), /integer of 1024 bytes/],
    ['popping nothing', rawPickle(0x30), /malformed/],
    ['a list within itself as state', rawPickle(0x5d, 0x32, 0x62), /attributes of what is no object/],
    ['a recall of nothing', rawPickle(0x68, 9), /malformed/],
    ['big-endian numbers', torchArchive(WEIGHTS, STORAGES, { byteorder: 'big' }), /"big"-endian/],
    [
      'a TorchScript program',
      zipBytes([
        ['m/data.pkl', pickle(null)],
        ['m/code/x.py', SIX],
      ]),
      /TorchScript program/,
    ],
    ['some other archive', zipBytes([['photo.jpg', SIX]]), /holds no torch model/],
    ['a compressed archive', zipBytes([['archive/data.pkl', SIX]], false, 8), /is compressed/],
    [
      'an archive cut off',
      torchArchive(WEIGHTS, STORAGES).slice(0, -30),
      /end of the zip archive is missing/,
    ],
    ['a legacy file cut off', torchLegacy(WEIGHTS, LEGACY_STORAGES).slice(0, -1), /storage "0" is cut off/],
    ['a legacy file without its storages', torchLegacy(WEIGHTS, []), /storage "0" is missing/],
    ['some other pickle', pickle({ dict: [] }), /not saved by torch/],
    ['no pickle', Uint8Array.of(1, 2, 3), /neither a torch archive nor a pickle/],
  ])('%s', (_name, bytes, message) => {
    const path = fileOf(bytes, 'evil.ckpt');
    expect(() => openTorchFile(path)).toThrow(WeightsError);
    expect(() => openTorchFile(path)).toThrow(message);
    expect(() => openTorchFile(path)).toThrow(/^evil\.ckpt: [^\n]+$/);
  });

  it('says that nothing was run', () => {
    const path = fileOf(object({ call: { global: 'os system' }, args: ['true'] }));
    expect(() => openTorchFile(path)).toThrow(/Nothing of it was run; look for the model as \.safetensors/);
  });
});

describe('bounded memory', () => {
  it('stops a pickle that makes objects without end', () => {
    const bytes = new Uint8Array(3_000_000).fill(0x7d); // EMPTY_DICT
    expect(() => openTorchFile(fileOf(zipBytes([['archive/data.pkl', bytes]])))).toThrow(
      /more objects than any model/,
    );
  });

  it('stops a pickle that never ends', () => {
    const bytes = new Uint8Array(9_000_000).fill(0x4e); // NONE
    expect(() => openTorchFile(fileOf(zipBytes([['archive/data.pkl', bytes]])))).toThrow(
      /longer than that of any model/,
    );
  });

  it('stops a pickle that copies a dictionary again and again', () => {
    const text = (name: string): number[] => [...new TextEncoder().encode(name)];
    const pairs = Array.from({ length: 1000 }, (_, i) => [0x4d, i & 255, i >> 8, 0x4e, 0x86]).flat();
    // OrderedDict is remembered as 0, a tuple of the list of pairs as 1; calling it and dropping the result takes 6 bytes.
    const again = Array.from({ length: 1000 }, () => [0x68, 0, 0x68, 1, 0x52, 0x30]).flat();
    const orderedDict = [...text('ccollections\nOrderedDict\n'), 0x71, 0];
    const bytes = [0x80, 2, ...orderedDict, 0x5d, 0x28, ...pairs, 0x65, 0x85, 0x71, 1, ...again, 0x2e];
    const path = fileOf(zipBytes([['archive/data.pkl', Uint8Array.from(bytes)]]));
    expect(() => openTorchFile(path)).toThrow(/more objects than any model/);
  });

  it('stops names that are longer together than the file', () => {
    const root: Node = { dict: [['a'.repeat(600), { dict: [['b'.repeat(600), tensor(W)]] }]] };
    expect(() => openTorchFile(archive(root))).toThrow(/longer names than any model/);
  });

  it('stops dictionaries that repeat each other a million times over', () => {
    const codes = [0x80, 2, 0x7d, 0x71, 0];
    for (let level = 0; level < 7; level++) {
      // A dict of ten entries, each the dict before: 10^7 paths in a few hundred bytes.
      const entries = Array.from({ length: 10 }, (_, key) => [0x4b, key, 0x68, level]).flat();
      codes.push(0x7d, 0x71, level + 1, 0x28, ...entries, 0x75);
    }
    const bytes = Uint8Array.from([...codes, 0x2e]);
    expect(() => openTorchFile(fileOf(zipBytes([['archive/data.pkl', bytes]])))).toThrow(/nested beyond/);
  });
});
