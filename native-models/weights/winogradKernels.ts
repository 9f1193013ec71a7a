/** Prepares the weights of convolutions by fewer products (layers/winograd.ts). */
import { TRANSFORMS, type WinogradTile } from '../layers/winograd.ts';

/** G·g·Gᵀ of every kernel of a torch weight [C', C, 3, 3], as [(m+2)², C', C]. */
export function winogradKernels(
  values: Float32Array,
  shape: readonly number[],
  tile: WinogradTile,
): Float32Array<ArrayBuffer> {
  const pairs = shape[0]! * shape[1]!;
  const { kernel: matrix } = TRANSFORMS[tile];
  const side = tile + 2;
  const prepared = new Float32Array(side * side * pairs);
  const columns = new Float64Array(side * 3); // G·g
  for (let pair = 0; pair < pairs; pair++) {
    const at = pair * 9;
    for (let row = 0; row < side; row++) {
      const [a, b, c] = matrix[row] as [number, number, number];
      for (let x = 0; x < 3; x++)
        columns[row * 3 + x] = a * values[at + x]! + b * values[at + 3 + x]! + c * values[at + 6 + x]!;
    }
    for (let column = 0; column < side; column++) {
      const [a, b, c] = matrix[column] as [number, number, number];
      for (let row = 0; row < side; row++) {
        const first = row * 3;
        const value = a * columns[first]! + b * columns[first + 1]! + c * columns[first + 2]!;
        prepared[(row * side + column) * pairs + pair] = value;
      }
    }
  }
  return prepared;
}
