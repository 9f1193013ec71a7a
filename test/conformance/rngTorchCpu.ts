/** Conformance of torch's CPU generator and of Philox (golden case rng-torch-cpu). */
import { philoxGenerator } from '../../main/pipeline/noise/philox.ts';
import { type TorchGenerator, torchGenerator } from '../../main/pipeline/noise/torchGenerator.ts';
import { sizeOf } from '../../main/pipeline/tensor.ts';
import type { WeightsFile } from '../../native-models/weights/safetensors.ts';
import { openTensors, readCase, readNumbers } from './caseFolder.ts';
import { type Check, checkClose, checkEqual, type Tolerance } from './check.ts';

interface SingleDraw {
  readonly tensor: string;
  readonly seed: string;
  readonly shape: readonly number[];
}

interface DrawSequence {
  readonly seed: string;
  readonly shapes: readonly (readonly number[])[];
  readonly tensors: readonly string[];
}

interface RngCase {
  readonly randn: readonly SingleDraw[];
  readonly sequences: readonly DrawSequence[];
  readonly uniform: readonly SingleDraw[];
  readonly randint: readonly { readonly seed: string; readonly randint_0_2pow31: readonly number[] }[];
  readonly philox: { readonly file: string; readonly items: readonly DrawSequence[] };
  readonly tolerance: { readonly randn: Tolerance; readonly uniform: Tolerance; readonly philox: Tolerance };
}

const EXPECTED_FILE = 'expected.safetensors';

export async function* rngTorchCpu(caseDir: string): AsyncIterable<Check> {
  const golden = readCase<RngCase>(caseDir);
  const expected = openTensors(caseDir, EXPECTED_FILE);
  for (const { tensor, seed, shape } of golden.randn) {
    const actual = torchGenerator(BigInt(seed)).randn(sizeOf(shape));
    yield checkClose(tensor, actual, readNumbers(expected, tensor), golden.tolerance.randn);
  }
  for (const { tensor, seed, shape } of golden.uniform) {
    const actual = torchGenerator(BigInt(seed)).rand(sizeOf(shape));
    yield checkClose(tensor, actual, readNumbers(expected, tensor), golden.tolerance.uniform);
  }
  for (const { seed, randint_0_2pow31: words } of golden.randint) {
    const generator = torchGenerator(BigInt(seed));
    yield checkEqual(
      `randint.${seed}`,
      words.map(() => wideRandint(generator)),
      words,
    );
  }
  yield* sequences(golden.sequences, torchGenerator, expected, golden.tolerance.randn);
  const philoxFile = openTensors(caseDir, golden.philox.file);
  yield* sequences(golden.philox.items, philoxGenerator, philoxFile, golden.tolerance.philox);
}

/** torch.randint(0, 2^31): ranges this wide draw 64 bits, high word first, so that only the low word counts here. */
function wideRandint(generator: TorchGenerator): number {
  generator.nextWord();
  return generator.nextWord() % 2 ** 31;
}

function* sequences(
  items: readonly DrawSequence[],
  create: typeof philoxGenerator,
  expected: WeightsFile,
  tolerance: Tolerance,
): Iterable<Check> {
  for (const { seed, shapes, tensors } of items) {
    const generator = create(BigInt(seed));
    for (const [i, tensor] of tensors.entries()) {
      const actual = generator.randn(sizeOf(shapes[i]!));
      yield checkClose(tensor, actual, readNumbers(expected, tensor), tolerance);
    }
  }
}
