/**
 * Philox 4×32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") with cuRAND's Box–Muller:
 * the noise that torch draws on an NVIDIA card, and A1111 with "RNG: NV".
 */
import type { NoiseGenerator } from './generator.ts';

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const KEY_STEP_0 = 0x9e3779b9;
const KEY_STEP_1 = 0xbb67ae85;
/** cuRAND's constants are floats: 2^-32 and 2π·2^-32. */
const TO_UNIT = Math.fround(2.3283064e-10);
const TO_ANGLE = Math.fround(2.3283064e-10 * 6.2831855);

/** A generator with a 64-bit seed. Element i of draw number k has the counter (k, 0, i, 0). */
export function philoxGenerator(seed: bigint): NoiseGenerator {
  const key0 = Number(BigInt.asIntN(32, seed));
  const key1 = Number(BigInt.asIntN(32, seed >> 32n));
  let draw = 0;
  return {
    randn: (count) => {
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) values[i] = normalAt(draw, i, key0, key1);
      draw++;
      return values;
    },
  };
}

/** Box–Muller on the first two of the four output words. */
function normalAt(draw: number, element: number, key0: number, key1: number): number {
  let c0 = draw;
  let c1 = 0;
  let c2 = element;
  let c3 = 0;
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < ROUNDS; round++) {
    const low0 = Math.imul(c0, MULTIPLIER_0);
    const low1 = Math.imul(c2, MULTIPLIER_1);
    const next0 = multiplyHigh(c2, MULTIPLIER_1) ^ c1 ^ k0;
    const next2 = multiplyHigh(c0, MULTIPLIER_0) ^ c3 ^ k1;
    c0 = next0;
    c1 = low1;
    c2 = next2;
    c3 = low0;
    k0 = (k0 + KEY_STEP_0) | 0;
    k1 = (k1 + KEY_STEP_1) | 0;
  }
  const radius = Math.sqrt(-2 * Math.log((c0 >>> 0) * TO_UNIT + TO_UNIT / 2));
  return radius * Math.sin((c1 >>> 0) * TO_ANGLE + TO_ANGLE / 2);
}

/** Upper 32 bits of the 64-bit product of two words taken as unsigned, by 16-bit halves; no sum here exceeds 32 bits. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const middle = (a >>> 16) * (b & 0xffff) + ((aLow * (b & 0xffff)) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return ((a >>> 16) * bHigh + (middle >>> 16) + (carry >>> 16)) | 0;
}
