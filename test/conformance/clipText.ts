/** Conformance of the text encoders: SD 1's CLIP-L, SD 2's OpenCLIP, SDXL's pair with its pooled and size vector. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { sizeEmbedding } from '../../main/pipeline/sizeEmbedding.ts';
import { buildGraph } from '../../native-models/graph/build.ts';
import { input } from '../../native-models/graph/value.ts';
import { rootScope } from '../../native-models/layers/scope.ts';
import { clipText as clipTextGraph } from '../../native-models/models/clip.ts';
import type { ClipTextConfig } from '../../native-models/models/configs.ts';
import { canonicalTensors, type Part } from '../../native-models/weights/keys.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { openTensors, readCase, readNumbers, shapeOf } from './caseFolder.ts';
import { type Check, checkClose, type Tolerance } from './check.ts';
import { clipConfigOf, type HfClipText, type OpenClipText, openClipConfigOf } from './ldmConfigs.ts';

interface ClipTextCase {
  readonly sd1?: {
    readonly config: HfClipText;
    readonly weights: { readonly file: string };
    readonly io: string;
  };
  readonly sd2?: {
    readonly config: OpenClipText;
    readonly weights: { readonly file: string };
    readonly io: string;
  };
  readonly sdxl?: {
    readonly config: { readonly l: HfClipText; readonly g: OpenClipText };
    readonly weights: { readonly file: string };
    readonly io: string;
  };
  readonly tolerance: Tolerance;
}

export async function* clipText(caseDir: string): AsyncIterable<Check> {
  const { sd1, sd2, sdxl, tolerance } = readCase<ClipTextCase>(caseDir);
  const io = (file: string): ReturnType<typeof openTensors> => openTensors(caseDir, file);
  const check = function* (prefix: string, file: string, outputs: Outputs): Iterable<Check> {
    for (const name of io(file).tensors.keys()) {
      const actual = outputs[name];
      if (actual) yield checkClose(`${prefix}.${name}`, actual, readNumbers(io(file), name), tolerance);
    }
  };
  if (sd1) {
    const encoded = await encode(caseDir, sd1.weights.file, 'clipL', clipConfigOf(sd1.config), sd1.io, 'ids');
    yield* check('sd1', sd1.io, { ...encoded, last_hidden_state: encoded['last_norm']! });
  }
  if (sd2) {
    const config = openClipConfigOf(sd2.config);
    yield* check('sd2', sd2.io, await encode(caseDir, sd2.weights.file, 'openClip', config, sd2.io, 'ids'));
  }
  if (sdxl) {
    const { config, weights, io: file } = sdxl;
    const l = await encode(caseDir, weights.file, 'clipL', clipConfigOf(config.l), file, 'ids_l');
    const g = await encode(caseDir, weights.file, 'openClip', openClipConfigOf(config.g), file, 'ids_g');
    const widths = [config.l.hidden_size, config.g.width] as const;
    const sizes = readNumbers(io(file), 'sizes');
    const rows = Array.from({ length: shapeOf(io(file), 'sizes')[0]! }, (_, row) =>
      sizes.subarray(6 * row, 6 * row + 6),
    );
    const embedded = rows.map((row) => sizeEmbedding(Array.from(row)));
    const pooledRow = (row: number): Float32Array =>
      g['pooled']!.subarray(row * config.g.proj, (row + 1) * config.g.proj);
    yield* check('sdxl', file, {
      l_penultimate: l['penultimate']!,
      l_last_norm: l['last_norm']!,
      g_penultimate: g['penultimate']!,
      g_pooled: g['pooled']!,
      context: sideBySide(l['penultimate']!, g['penultimate']!, widths),
      size_embedding: Float32Array.from(embedded.flatMap((row) => [...row])),
      y: Float32Array.from(embedded.flatMap((row, index) => [...pooledRow(index), ...row])),
    });
  }
}

type Outputs = Readonly<Record<string, Float32Array>>;

/** Runs one encoder twice, with and without the final norm on its hidden layers, and names the outputs as the cases do. */
async function encode(
  dir: string,
  weights: string,
  part: Part,
  config: ClipTextConfig,
  io: string,
  ids: string,
): Promise<Outputs> {
  const file = openTensors(dir, weights);
  const scope = rootScope(fileParameters(file.path, canonicalTensors(file, part)), { flavour: 'cpu' });
  const tokenIds = input('tokenIds', 'int64', ['batch', config.contextLength]);
  const [normed, raw] = [true, false].map((normalizeHidden) =>
    clipTextGraph(scope, { ...config, normalizeHidden }, { tokenIds }),
  );
  const session = await createSession(
    buildGraph({
      last_norm: normed!.embeddings[0]!,
      penultimate_norm: normed!.embeddings[1]!,
      skip3_norm: normed!.embeddings[2]!,
      last_raw: raw!.embeddings[0]!,
      penultimate: raw!.embeddings[1]!,
      pooled: normed!.pooled,
    }),
  );
  const source = openTensors(dir, io);
  const values = BigInt64Array.from(Array.from(readNumbers(source, ids)), BigInt);
  const outputs = await session.run({ tokenIds: new OrtTensor('int64', values, shapeOf(source, ids)) });
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, value.data as Float32Array]),
  );
}

/** Rows of two matrices joined: [N, a] and [N, b] → [N, a+b]. */
function sideBySide(
  left: Float32Array,
  right: Float32Array,
  [a, b]: readonly [number, number],
): Float32Array {
  const rows = left.length / a;
  const joined = new Float32Array(rows * (a + b));
  for (let row = 0; row < rows; row++) {
    joined.set(left.subarray(row * a, (row + 1) * a), row * (a + b));
    joined.set(right.subarray(row * b, (row + 1) * b), row * (a + b) + a);
  }
  return joined;
}
