/** Ten thousand damaged torch files: each gives a WeightsError or a sound file, in no more memory than the file takes. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openTorchFile } from '../../native-models/torch/torchFile.ts';
import { WeightsError } from '../../native-models/weights/tensors.ts';
import { type Node, orderedDict, pickle, tensor, torchArchive, torchLegacy } from '../helpers/torchFiles.ts';
import { expectSound, largestAllocation, rewritableFile } from '../helpers/weightFiles.ts';
import { zipBytes } from '../helpers/zipFiles.ts';

const ROOT: Node = {
  dict: [
    ['global_step', 470000],
    ['lr', 0.5],
    [
      'callbacks',
      {
        dict: [
          [
            { global: 'pytorch_lightning.callbacks.model_checkpoint ModelCheckpoint' },
            { list: [1, null, true] },
          ],
        ],
      },
    ],
    [
      'state_dict',
      orderedDict([
        ['a.weight', tensor({ key: '0', length: 6, shape: [2, 3] })],
        ['b', tensor({ key: '1', length: 4, shape: [2], offset: 1, type: 'torch HalfStorage' })],
      ]),
    ],
  ],
};
const STORAGES = { 0: new Uint8Array(24).fill(1), 1: new Uint8Array(8).fill(2) };
const LEGACY_STORAGES = [
  { key: '0', length: 6, bytes: STORAGES[0] },
  { key: '1', length: 4, bytes: STORAGES[1] },
];

type Bytes = Uint8Array;
type Damage = (bytes: Bytes) => Bytes;

const WHOLE = [
  torchArchive(ROOT, STORAGES),
  torchArchive(ROOT, STORAGES, { wide: true }),
  torchLegacy(ROOT, LEGACY_STORAGES),
];
const PICKLES = [pickle(ROOT), pickle({ dict: [['x', tensor({ key: '0', length: 2, shape: [2] })]] })];

/** Files damaged as a whole, and archives around a damaged pickle, whose directory still leads to it. */
const FILES: readonly ((damage: Damage) => Bytes)[] = [
  ...WHOLE.map((bytes) => (damage: Damage) => damage(bytes)),
  ...PICKLES.map((bytes) => (damage: Damage) => archiveOf(damage(bytes))),
];

function archiveOf(bytes: Bytes): Bytes {
  return zipBytes([
    ['a/data.pkl', bytes],
    ['a/data/0', STORAGES[0]],
    ['a/data/1', STORAGES[1]],
  ]);
}

interface Edit {
  readonly kind: 'set' | 'cut' | 'insert' | 'end';
  readonly at: number;
  readonly value: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('set', 'set', 'set', 'cut', 'insert', 'end'),
  at: fc.nat(9999).map((n) => n / 10_000),
  value: fc.oneof(fc.nat(255), fc.nat(16)),
});

/** `at` is a fraction of the length, so that an edit means the same for every seed. */
function edited(bytes: Bytes, { kind, at, value }: Edit): Bytes {
  if (bytes.length === 0) return bytes;
  const index = Math.floor(at * bytes.length);
  if (kind === 'set') return bytes.with(index, value);
  if (kind === 'end') return bytes.slice(0, index);
  const middle = kind === 'insert' ? [value] : [];
  return Uint8Array.from([
    ...bytes.subarray(0, index),
    ...middle,
    ...bytes.subarray(index + (kind === 'cut' ? value : 0)),
  ]);
}

it('10 000 mutations', () => {
  const { path, rewrite } = rewritableFile('fuzzed.pt');
  let sound = 0;
  const cases = fc.property(
    fc.constantFrom(...FILES),
    fc.array(edit, { minLength: 1, maxLength: 3 }),
    (file, edits) => {
      const bytes = file((whole) => edits.reduce(edited, whole));
      rewrite(bytes);
      const largest = largestAllocation(() => {
        try {
          expectSound(openTorchFile(path), bytes.length);
          sound++;
        } catch (error) {
          if (!(error instanceof WeightsError)) throw error;
        }
      });
      expect(largest).toBeLessThanOrEqual(bytes.length);
    },
  );
  fc.assert(cases, { numRuns: 10_000 });
  // Enough of them must get past the front door for the rest to mean anything.
  expect(sound).toBeGreaterThan(200);
});
