/** MT19937 (Matsumoto & Nishimura 1998), the engine of torch's CPU generator: 32-bit words from a 32-bit seed. */

const STATE_WORDS = 624;
const SHIFT_WORDS = 397;
const MATRIX_A = 0x9908b0df;

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

function initialState(seed: number): Uint32Array {
  const state = new Uint32Array(STATE_WORDS);
  state[0] = seed;
  for (let i = 1; i < STATE_WORDS; i++) {
    const previous = state[i - 1]!;
    state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }
  return state;
}

/** The recurrence, in place over the whole state. */
function regenerate(state: Uint32Array): void {
  for (let i = 0; i < STATE_WORDS; i++) {
    const mixed = (state[i]! & 0x80000000) | (state[(i + 1) % STATE_WORDS]! & 0x7fffffff);
    const twist = mixed & 1 ? MATRIX_A : 0;
    state[i] = state[(i + SHIFT_WORDS) % STATE_WORDS]! ^ (mixed >>> 1) ^ twist;
  }
}

function temper(word: number): number {
  let y = word ^ (word >>> 11);
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}
