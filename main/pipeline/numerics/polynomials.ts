/** Spacings, interpolation and quadrature. */

/** `count` evenly spaced numbers from `start` to `end`, both included (numpy.linspace). */
export function linspace(start: number, end: number, count: number): Float64Array<ArrayBuffer> {
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  return new Float64Array(count).map((_, i) => (i > 0 && i === count - 1 ? end : start + i * step));
}

/**
 * `linspace` as torch computes it in single precision: from both ends towards the middle, each value rounded once.
 * Sigmas must agree to the last bit where a Brownian path is asked about them, because the path is rough at any scale.
 */
export function singleLinspace(start: number, end: number, count: number): Float32Array<ArrayBuffer> {
  const [from, to] = [Math.fround(start), Math.fround(end)];
  const step = count > 1 ? Math.fround(Math.fround(to - from) / (count - 1)) : 0;
  const half = Math.floor(count / 2);
  return new Float32Array(count).map((_, i) =>
    i < half || count === 1 ? from + step * i : to - step * (count - 1 - i),
  );
}

/** The polynomial that is 1 at nodes[index] and 0 at the others, at `t`. */
export function lagrange(nodes: readonly number[], index: number, t: number): number {
  const own = nodes[index]!;
  return nodes.reduce(
    (product, node, i) => (i === index ? product : (product * (t - node)) / (own - node)),
    1,
  );
}

/** Gauss–Legendre quadrature with three points: exact for polynomials up to degree 5. */
export function gaussIntegral(f: (t: number) => number, from: number, to: number): number {
  const centre = (from + to) / 2;
  const half = (to - from) / 2;
  const offset = half * Math.sqrt(3 / 5);
  return (half / 9) * (5 * f(centre - offset) + 8 * f(centre) + 5 * f(centre + offset));
}
