/** Conformance of the upscalers: RRDB and compact networks, and RRDB under its two older naming layouts. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { compileUpscaler } from '../../native-models/compile.ts';
import { inferUpscaler } from '../../native-models/inspect/upscaler.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import type { WeightsFile } from '../../native-models/weights/tensors.ts';
import { openTensors, readCase, readNumbers, readTensor } from './caseFolder.ts';
import { type Check, checkClose, type Tolerance } from './check.ts';

/** From Real-ESRGAN's tensor names to another layout's. */
type NameMap = Readonly<Record<string, string>>;

interface UpscalerCase {
  readonly models: readonly {
    readonly id: string;
    readonly file: string;
    readonly config: { readonly scale?: number; readonly upscale?: number };
    readonly old_layout?: { readonly file: string };
    readonly bsrgan_layout_map?: NameMap;
  }[];
  readonly tolerance: Tolerance;
}

export async function* esrgan(caseDir: string): AsyncIterable<Check> {
  const { models, tolerance } = readCase<UpscalerCase>(caseDir);
  const io = openTensors(caseDir, 'io.safetensors');
  for (const { id, file, config, old_layout, bsrgan_layout_map } of models) {
    const weights = openTensors(caseDir, file);
    const layouts: [label: string, WeightsFile][] = [[id, weights]];
    if (old_layout) layouts.push([`${id} (first names)`, openTensors(caseDir, old_layout.file)]);
    if (bsrgan_layout_map) layouts.push([`${id} (BSRGAN names)`, renamed(weights, bsrgan_layout_map)]);
    for (const [label, layout] of layouts) {
      const run = await openUpscaler(layout);
      yield checkClose(`${label}.scale`, [run.scale], [config.scale ?? config.upscale ?? 0], {});
      for (const name of io.tensors.keys().filter((key) => key.startsWith('in.'))) {
        const index = name.slice('in.'.length);
        const { data, shape } = readTensor(io, name);
        const actual = await run.session.run({ image: new OrtTensor('float32', data, shape) });
        const expected = readNumbers(io, `${id}.out.${index}`);
        const pixels = actual['upscaled']?.data as Float32Array;
        yield checkClose(`${label}.out.${index}`, pixels, expected, tolerance);
      }
      await run.session.release();
    }
  }
}

async function openUpscaler(file: WeightsFile) {
  const tensors = canonicalTensors(file, 'upscaler');
  const config = inferUpscaler(tensors, file.path);
  const graph = compileUpscaler(fileParameters(file.path, tensors), config, { flavour: 'cpu' });
  return { scale: config.scale, session: await createSession(graph) };
}

/** The same file as if its tensors had the other layout's names. */
function renamed(file: WeightsFile, map: NameMap): WeightsFile {
  const tensors = [...file.tensors].map(([name, info]) => [map[name] ?? name, info] as const);
  return { ...file, tensors: new Map(tensors) };
}
