/**
 * Philox 4×32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") with cuRAND's Box–Muller:
 * the noise that torch draws on an NVIDIA card, and A1111 with "RNG: NV".
 */
import type { NoiseGenerator } from './generator.ts';

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const KEY_STEPS = [0x9e3779b9, 0xbb67ae85] as const;
/** cuRAND's constants are floats: 2^-32 and 2π·2^-32. */
const TO_UNIT = Math.fround(2.3283064e-10);
const TO_ANGLE = Math.fround(2.3283064e-10 * 6.2831855);

/** A generator with a 64-bit seed. Element i of draw number k has the counter (k, 0, i, 0). */
export function philoxGenerator(seed: bigint): NoiseGenerator {
  const key = [Number(seed & 0xffffffffn), Number((seed >> 32n) & 0xffffffffn)] as const;
  let draw = 0;
  return {
    randn: (count) => {
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) values[i] = normalAt(draw, i, key);
      draw++;
      return values;
    },
  };
}

function normalAt(draw: number, element: number, key: readonly [number, number]): number {
  const [first, second] = philox(draw, element, key);
  const radius = Math.sqrt(-2 * Math.log(first * TO_UNIT + TO_UNIT / 2));
  return radius * Math.sin(second * TO_ANGLE + TO_ANGLE / 2);
}

/** The first two of the four output words. */
function philox(draw: number, element: number, key: readonly [number, number]): [number, number] {
  let [c0, c1, c2, c3] = [draw, 0, element, 0];
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const low0 = Math.imul(c0, MULTIPLIER_0) >>> 0;
    const low1 = Math.imul(c2, MULTIPLIER_1) >>> 0;
    const high0 = multiplyHigh(c0, MULTIPLIER_0);
    const high1 = multiplyHigh(c2, MULTIPLIER_1);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + KEY_STEPS[0]) >>> 0;
    k1 = (k1 + KEY_STEPS[1]) >>> 0;
  }
  return [c0, c1];
}

/** Upper 32 bits of the 64-bit product of two unsigned words, by 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536);
}
