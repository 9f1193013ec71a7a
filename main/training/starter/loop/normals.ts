/** Normal numbers for training: fast, seeded, the same on every machine. */
import { hash, type Rng, rng as stream } from '../../random.ts';

export type { Rng };

/** A stream named by its parts. */
export function rng(...parts: readonly (string | number)[]): Rng {
  return stream(hash(...parts));
}

/** Fills `out` with normals of the given deviation (Box & Muller 1958, both halves used). */
export function normals(random: Rng, out: Float32Array, deviation = 1): void {
  for (let i = 0; i < out.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random.next()));
    const angle = 2 * Math.PI * random.next();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
}
