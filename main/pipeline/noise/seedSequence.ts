/** numpy's SeedSequence (O'Neill's seed_seq, as in numpy.random.bit_generator): spreads entropy over many independent seeds. */

const INIT_A = 0x43b0d7e5;
const MULT_A = 0x931e8875;
const INIT_B = 0x8b51f9dd;
const MULT_B = 0x58f38ded;
const MIX_LEFT = 0xca01f9dd;
const MIX_RIGHT = 0x4973f715;
const HALF_WORD = 16;

/** `np.random.SeedSequence(entropy, spawn_key, pool_size).generate_state(words)`: unsigned 32-bit words. */
export function seedSequence(
  entropy: bigint,
  spawnKey: readonly bigint[],
  poolSize: number,
  words: number,
): Uint32Array<ArrayBuffer> {
  const pool = mixPool(assembleEntropy(entropy, spawnKey, poolSize), poolSize);
  const hash = hasher(INIT_B, MULT_B);
  return new Uint32Array(words).map((_, i) => hash(pool[i % poolSize]!));
}

/** Entropy words, then the key's words; with a key, short entropy is padded so that the two cannot be confused. */
function assembleEntropy(entropy: bigint, spawnKey: readonly bigint[], poolSize: number): number[] {
  const own = toWords(entropy);
  if (spawnKey.length === 0) return own;
  const padding = new Array<number>(Math.max(0, poolSize - own.length)).fill(0);
  return [...own, ...padding, ...spawnKey.flatMap(toWords)];
}

function toWords(value: bigint): number[] {
  const low = Number(value & 0xffffffffn);
  const rest = value >> 32n;
  return rest === 0n ? [low] : [low, ...toWords(rest)];
}

function mixPool(entropy: readonly number[], poolSize: number): Uint32Array {
  const hash = hasher(INIT_A, MULT_A);
  const pool = new Uint32Array(poolSize).map((_, i) => hash(entropy[i] ?? 0));
  for (let source = 0; source < poolSize; source++) {
    for (let target = 0; target < poolSize; target++) {
      if (source !== target) pool[target] = mix(pool[target]!, hash(pool[source]!));
    }
  }
  for (const word of entropy.slice(poolSize)) {
    for (let target = 0; target < poolSize; target++) pool[target] = mix(pool[target]!, hash(word));
  }
  return pool;
}

/** A multiplicative hash whose constant changes with every call. */
function hasher(initial: number, multiplier: number): (word: number) => number {
  let constant = initial;
  return (word) => {
    const mixed = word ^ constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(mixed, constant);
    return (product ^ (product >>> HALF_WORD)) >>> 0;
  };
}

function mix(x: number, y: number): number {
  const difference = Math.imul(MIX_LEFT, x) - Math.imul(MIX_RIGHT, y);
  return (difference ^ ((difference >>> 0) >>> HALF_WORD)) >>> 0;
}
