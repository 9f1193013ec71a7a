/** Conformance of Brownian tree noise and of the seeds behind it (golden case rng-brownian-tree). */
import { brownianNoise } from '../../main/pipeline/noise/brownian.ts';
import { seedSequence } from '../../main/pipeline/noise/seedSequence.ts';
import { sizeOf } from '../../main/pipeline/tensor.ts';
import { openTensors, readCase, readNumbers } from './caseFolder.ts';
import { type Check, checkClose, checkEqual, type Tolerance } from './check.ts';

interface BrownianCase {
  readonly trees: readonly {
    readonly seed: number | string;
    readonly shape: readonly number[];
    readonly sigma_min: number;
    readonly sigma_max: number;
    readonly queries: readonly {
      readonly sigma: number;
      readonly sigma_next: number;
      readonly tensor: string;
    }[];
  }[];
  readonly numpy_seed_sequence: readonly {
    readonly entropy: number | string;
    readonly spawn_key: readonly (number | string)[];
    readonly pool_size: number;
    readonly state: readonly number[];
  }[];
  readonly tolerance: Tolerance;
}

const EXPECTED_FILE = 'expected.safetensors';

export async function* rngBrownianTree(caseDir: string): AsyncIterable<Check> {
  const golden = readCase<BrownianCase>(caseDir);
  const expected = openTensors(caseDir, EXPECTED_FILE);
  for (const { entropy, spawn_key: key, pool_size: poolSize, state } of golden.numpy_seed_sequence) {
    const actual = seedSequence(BigInt(entropy), key.map(BigInt), poolSize, state.length);
    yield checkEqual(`seed_sequence.${entropy}.[${key.join(',')}]`, actual, state);
  }
  for (const { seed, shape, sigma_min: low, sigma_max: high, queries } of golden.trees) {
    const noise = brownianNoise(BigInt(seed), sizeOf(shape), low, high);
    for (const { sigma, sigma_next: next, tensor } of queries) {
      yield checkClose(tensor, noise(sigma, next), readNumbers(expected, tensor), golden.tolerance);
    }
  }
}
