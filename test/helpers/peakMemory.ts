/** Peak memory of one run of a graph, measured in a process of its own. Also that process's entry point. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import '../../main/engine/runtime/noTelemetry.ts';
import { buildGraph } from '../../native-models/graph/build.ts';
import { toOnnx } from '../../native-models/graph/onnxProto.ts';
import type { Value } from '../../native-models/graph/value.ts';

/** Bytes by which the process grew while the outputs were computed from inputs of zeros (float32). */
export function peakMemory(outputs: Readonly<Record<string, Value>>): number {
  const folder = mkdtempSync(join(tmpdir(), 'peak-'));
  try {
    const path = join(folder, 'graph.onnx');
    writeFileSync(
      path,
      toOnnx(buildGraph(outputs), (weights) => weights),
    );
    return Number(execFileSync(process.execPath, [import.meta.filename, path], { encoding: 'utf8' }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(path: string): Promise<number> {
  const session = await InferenceSession.create(path, {
    graphOptimizationLevel: 'extended',
    intraOpNumThreads: 1,
  });
  const feeds = Object.fromEntries(
    session.inputMetadata.map((item) => {
      if (!item.isTensor) throw new Error(`input ${item.name} is no tensor`);
      const shape = item.shape.map(Number);
      return [item.name, new Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b, 1)), shape)];
    }),
  );
  const before = process.memoryUsage().rss;
  await session.run(feeds);
  return process.resourceUsage().maxRSS * 1024 - before;
}

if (process.argv[1] === import.meta.filename) console.log(await measure(process.argv[2]!));
