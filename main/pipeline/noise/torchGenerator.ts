/**
 * torch's CPU generator: `torch.manual_seed(seed)` followed by `randn` and `rand` of float32, number for number.
 * Its normals come by two different ways depending on how many are asked for (ATen DistributionTemplates.h).
 */
import type { NoiseGenerator } from './generator.ts';
import { mersenneTwister } from './mersenneTwister.ts';

/** From this many values on, torch fills whole blocks of 16 at once. */
const BLOCK = 16;
const HALF_BLOCK = 8;
const FLOAT_BITS = 2 ** 24;
const DOUBLE_BITS = 2 ** 53;

export interface TorchGenerator extends NoiseGenerator {
  /** `count` uniform numbers in [0, 1), as `torch.rand`. */
  rand(count: number): Float32Array<ArrayBuffer>;
  /** The next raw 32-bit word of the engine, unsigned. */
  nextWord(): number;
}

/** A generator like `torch.Generator().manual_seed(seed)`; torch keeps only the low 32 bits of the seed. */
export function torchGenerator(seed: bigint): TorchGenerator {
  const nextWord = mersenneTwister(Number(seed & 0xffffffffn));
  const uniform = (): number => (nextWord() & (FLOAT_BITS - 1)) / FLOAT_BITS;
  const scalarNormal = scalarNormals(nextWord);
  return {
    nextWord,
    rand: (count) => new Float32Array(count).map(uniform),
    randn: (count) =>
      count < BLOCK ? new Float32Array(count).map(scalarNormal) : blockNormals(count, uniform),
  };
}

/** Box–Muller on doubles, one number at a time; the second of each pair waits, even across other draws. */
function scalarNormals(nextWord: () => number): () => number {
  let waiting: number | undefined;
  const uniformDouble = (): number => {
    const high = nextWord();
    const low = nextWord();
    return ((high % 2 ** 21) * 2 ** 32 + low) / DOUBLE_BITS;
  };
  return () => {
    if (waiting !== undefined) {
      const value = waiting;
      waiting = undefined;
      return value;
    }
    const angle = 2 * Math.PI * uniformDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-uniformDouble()));
    waiting = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** Uniforms first, then Box–Muller in blocks of 16; an incomplete last block is redrawn over the last 16 places. */
function blockNormals(count: number, uniform: () => number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = uniform();
  for (let start = 0; start + BLOCK <= count; start += BLOCK) boxMullerBlock(values, start);
  if (count % BLOCK !== 0) {
    const start = count - BLOCK;
    for (let i = start; i < count; i++) values[i] = uniform();
    boxMullerBlock(values, start);
  }
  return values;
}

/** The first eight uniforms give the radii, the other eight the angles. */
function boxMullerBlock(values: Float32Array, start: number): void {
  for (let i = start; i < start + HALF_BLOCK; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i]!));
    const angle = 2 * Math.PI * values[i + HALF_BLOCK]!;
    values[i] = radius * Math.cos(angle);
    values[i + HALF_BLOCK] = radius * Math.sin(angle);
  }
}
