/** A graph on a device against the same layers in float32 on the CPU. */
import { Tensor } from 'onnxruntime-node';
import type { DeviceName } from '../../main/engine/border/protocol.ts';
import { noise } from '../../main/engine/devices/probe.ts';
import { relativeL2 } from '../../main/engine/runtime/probing.ts';
import { createSession, DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import type { Graph, NamedValue } from '../../native-models/graph/build.ts';
import type { Target } from '../../native-models/layers/scope.ts';

/** Sizes known at run time only. */
const SIZES: Readonly<Record<string, number>> = {
  batch: 2, height: 6, width: 4, tokens: 24, words: 7, extra: 1,
}; // biome-ignore format: a table
const RANK = 3;

/** The largest relative L2 error over the graph's outputs. */
export async function errorOn(
  graphFor: (target: Target) => Graph,
  device: DeviceName,
  target: Target,
): Promise<number> {
  const expected = await outputsOf(graphFor({ flavour: 'cpu' }), 'cpu');
  const actual = await outputsOf(graphFor(target), device);
  const errors = Object.entries(expected).map(([name, values]) => relativeL2(actual[name]!, values));
  return Math.max(...errors); // NaN if one is
}

async function outputsOf(graph: Graph, device: DeviceName): Promise<Record<string, Float32Array>> {
  const session = await createSession(graph, { ...DEFAULT_SESSION, device });
  const outputs = await session.run(Object.fromEntries(graph.inputs.map(feed)));
  const values = Object.entries(outputs).map(
    ([name, { data }]) => [name, Float32Array.from(data as Float32Array)] as const,
  );
  await session.release();
  return Object.fromEntries(values);
}

function feed({ name, dtype, shape }: NamedValue): [string, Tensor] {
  const sizes = shape.map((dim) =>
    typeof dim === 'number' ? dim : dim.startsWith('rank') ? RANK : SIZES[dim]!,
  );
  // Pictures are larger than latents.
  if (name === 'image' && typeof shape[2] === 'string') sizes.splice(2, 2, 4 * sizes[2]!, 4 * sizes[3]!);
  const count = sizes.reduce((a, b) => a * b, 1);
  if (dtype === 'int64') {
    // The last id ends the text, the one after it is the first of the textual inversion's.
    const ids = BigInt64Array.from({ length: count }, (_, i) =>
      BigInt(i % 77 === 9 ? 100 : i % 77 > 20 ? 99 : i % 77),
    );
    return [name, new Tensor('int64', ids, sizes)];
  }
  const deviation = name.startsWith('lora.') && !name.endsWith('.scale') ? 0.1 : 1;
  return [name, new Tensor('float32', noise(count, deviation), sizes)];
}
