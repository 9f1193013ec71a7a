/** Interpolation and quadrature behind multistep methods. */

/** `count` evenly spaced numbers from `start` to `end`, both included (numpy.linspace). */
export function linspace(start: number, end: number, count: number): Float64Array<ArrayBuffer> {
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  return new Float64Array(count).map((_, i) => (i > 0 && i === count - 1 ? end : start + i * step));
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
