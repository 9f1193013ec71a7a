/** Least squares with several right-hand sides, by the normal equations: for a hundred unknowns, not for thousands. */

/** Sums that grow by one observation at a time. */
export interface LeastSquares {
  /** One observation: `wanted` ≈ `known` · the matrix that is sought. */
  add(known: readonly number[], wanted: readonly number[]): void;
  /** The rows of that matrix, [known.length][wanted.length]. Throws RangeError when the observations do not tell them. */
  solve(): number[][];
}

/** `ridge` is added to the diagonal: above 0 it keeps the numbers small where observations are few (Hoerl & Kennard 1970). */
export function leastSquares(unknowns: number, sides: number, ridge = 0): LeastSquares {
  const sums = Array.from({ length: unknowns }, (_, i) =>
    Array.from({ length: unknowns + sides }, (__, j) => (i === j ? ridge : 0)),
  );
  return {
    add: (known, wanted) => {
      const row = [...known, ...wanted];
      for (const [i, value] of known.entries())
        for (let j = 0; j < row.length; j++) sums[i]![j]! += value * row[j]!;
    },
    solve: () => eliminated(sums).map((row) => row.slice(unknowns)),
  };
}

/** Gauss–Jordan with the largest pivot of each column: [A | b] → [1 | A⁻¹·b]. */
function eliminated(equations: readonly (readonly number[])[]): number[][] {
  const rows = equations.map((row) => [...row]);
  for (let column = 0; column < rows.length; column++) {
    const size = (row: number): number => Math.abs(rows[row]![column]!);
    let best = column;
    for (let row = column + 1; row < rows.length; row++) if (size(row) > size(best)) best = row;
    if (size(best) < 1e-9) throw new RangeError('the observations leave some of the unknowns open');
    [rows[column], rows[best]] = [rows[best]!, rows[column]!];
    const pivot = rows[column]!.map((value) => value / rows[column]![column]!);
    for (const [index, row] of rows.entries())
      rows[index] = index === column ? pivot : row.map((value, j) => value - row[column]! * pivot[j]!);
  }
  return rows;
}
