/** Tensors kept on the device, as LoRA matrices are: given to a session many times, they are the numbers that went up. */
import { Tensor } from 'onnxruntime-node';
import { noise } from '../../main/engine/devices/probe.ts';
import { relativeL2 } from '../../main/engine/runtime/probing.ts';
import { residentFeeds } from '../../main/engine/runtime/resident.ts';
import { createSession, DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import { buildGraph } from '../../native-models/graph/build.ts';
import * as ops from '../../native-models/graph/ops.ts';
import { input } from '../../native-models/graph/value.ts';

const SESSION = { ...DEFAULT_SESSION, device: 'webgpu', target: { flavour: 'webgpu' } } as const;

export async function deviceTensorsError(): Promise<number> {
  const [a, b] = [noise(12, 1), noise(24, 1)];
  const feeds = { a: new Tensor('float32', a, [3, 4]), b: new Tensor('float32', b, [2, 3, 4]) };
  const resident = residentFeeds(SESSION);
  const sum = ops.add(input('b', 'float32', [2, 3, 4]), input('a', 'float32', [3, 4]));
  const session = await createSession(buildGraph({ sum }), SESSION);
  const expected = b.map((value, i) => value + a[i % 12]!);
  let error = 0;
  for (let run = 0; run < 3; run++) {
    const kept = await resident.of(feeds);
    if (kept['a']!.location !== 'gpu-buffer') throw new Error(`"a" lies on ${kept['a']!.location}`);
    const outputs = await session.run(kept);
    error = Math.max(error, relativeL2(outputs['sum']!.data as Float32Array, expected));
  }
  await resident.release();
  await session.release();
  return error;
}
