/** Adams weights under an exponential: what turns past model outputs into a step of a semi-linear equation. */
import { solve } from './linearSystem.ts';

/**
 * Weights w with Σ wᵢ·fᵢ = ∫ rate·e^(rate·(λ - to))·p(λ) dλ from `from` to `to`, exactly, for the polynomial p through
 * the values fᵢ at `nodes`. The nodes must differ.
 */
export function exponentialAdamsWeights(
  nodes: readonly number[],
  from: number,
  to: number,
  rate: number,
): number[] {
  const decayed = Math.exp(rate * (from - to));
  const moments: number[] = []; // of (λ - to)^k, each from the one before by parts
  for (let k = 0; k < nodes.length; k++) {
    moments.push(k === 0 ? 1 - decayed : -((from - to) ** k) * decayed - (k / rate) * moments[k - 1]!);
  }
  const powers = moments.map((_, k) => nodes.map((node) => (node - to) ** k));
  return solve(powers, moments);
}
