/** MT19937 (Matsumoto & Nishimura 1998), the engine of torch's CPU generator: 32-bit words from a 32-bit seed. */

const STATE_WORDS = 624;
const SHIFT_WORDS = 397;
const MATRIX_A = 0x9908b0df;
const UPPER_BIT = 0x80000000;
const LOWER_BITS = 0x7fffffff;

/** A function that returns the next 32-bit word, unsigned. Only the low 32 bits of `seed` count. */
export function mersenneTwister(seed: number): () => number {
  const state = initialState(seed);
  let index = STATE_WORDS;
  return () => {
    if (index === STATE_WORDS) {
      regenerate(state);
      index = 0;
    }
    return temper(state[index++]!);
  };
}

// Signed words: the bits are the same, and the JIT keeps them in integer registers.
function initialState(seed: number): Int32Array {
  const state = new Int32Array(STATE_WORDS);
  state[0] = seed;
  for (let i = 1; i < STATE_WORDS; i++) {
    const previous = state[i - 1]!;
    state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }
  return state;
}

/** The recurrence, in place over the whole state; it wraps around after the first stretch. */
function regenerate(state: Int32Array): void {
  const wrap = STATE_WORDS - SHIFT_WORDS;
  for (let i = 0; i < wrap; i++) state[i] = state[i + SHIFT_WORDS]! ^ twist(state[i]!, state[i + 1]!);
  for (let i = wrap; i < STATE_WORDS - 1; i++) state[i] = state[i - wrap]! ^ twist(state[i]!, state[i + 1]!);
  state[STATE_WORDS - 1] = state[SHIFT_WORDS - 1]! ^ twist(state[STATE_WORDS - 1]!, state[0]!);
}

function twist(word: number, next: number): number {
  return (((word & UPPER_BIT) | (next & LOWER_BITS)) >>> 1) ^ (next & 1 ? MATRIX_A : 0);
}

function temper(word: number): number {
  let y = word ^ (word >>> 11);
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}
