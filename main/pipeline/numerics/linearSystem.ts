/** Solves the small dense linear systems behind multistep coefficients. */

/** x with matrix·x = right, by Gaussian elimination with partial pivoting. Throws RangeError for a singular matrix. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    const pivot = largestRow(rows, column);
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const top = rows[column]!;
    if (top[column] === 0) throw new RangeError('the linear system has no unique solution');
    for (const row of rows.slice(column + 1)) {
      const factor = row[column]! / top[column]!;
      for (let k = column; k <= n; k++) row[k]! -= factor * top[k]!;
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    const row = rows[i]!;
    let rest = row[n]!;
    for (let k = i + 1; k < n; k++) rest -= row[k]! * x[k]!;
    x[i] = rest / row[i]!;
  }
  return x;
}

function largestRow(rows: readonly (readonly number[])[], column: number): number {
  let best = column;
  for (let i = column + 1; i < rows.length; i++) {
    if (Math.abs(rows[i]![column]!) > Math.abs(rows[best]![column]!)) best = i;
  }
  return best;
}
