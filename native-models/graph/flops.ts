/** Floating-point operations of a graph with known sizes: products and convolutions, two operations per multiply-add. */
import { topologicalOrder } from './build.ts';
import { type Node, staticShape, type Value } from './value.ts';

/** Operations behind `outputs`; elementwise work is left out, as usual. Throws where a size is only known at run time. */
export function flopsOf(outputs: readonly Value[]): number {
  return topologicalOrder(outputs).reduce((sum, node) => sum + nodeFlops(node), 0);
}

function nodeFlops({ op, inputs, outputs }: Node): number {
  const [first, second] = inputs;
  switch (op) {
    case 'Conv': {
      const [, inChannels, ...kernel] = staticShape(second!) as [number, number, ...number[]];
      return 2 * count(outputs[0]!) * inChannels * kernel.reduce((a, b) => a * b, 1);
    }
    case 'MatMul':
    case 'FusedMatMul':
    case 'Gemm': {
      // The inner size follows from the three element counts, whichever operand is transposed: (mk·kn/mn)^½ = k.
      const [a, b, c] = [matrix(first!), matrix(second!), matrix(outputs[0]!)];
      return 2 * count(outputs[0]!) * Math.round(Math.sqrt((a * b) / c));
    }
    case 'MultiHeadAttention': {
      const keys = staticShape(second!)[1]!;
      return 4 * count(outputs[0]!) * keys;
    }
    default:
      return 0;
  }
}

/** Elements of the last two axes. */
function matrix(value: Value): number {
  const shape = staticShape(value);
  return shape.at(-1)! * shape.at(-2)!;
}

function count(value: Value): number {
  return staticShape(value).reduce((a, b) => a * b, 1);
}
