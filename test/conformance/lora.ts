/** Conformance of LoRA: every naming scheme, stacks and negative weights, on U-Net and text encoder, as live inputs. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { createLoraStore, type LoraChoice, type LoraSet } from '../../main/engine/conditions/loras.ts';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { type Feeds, toOrt } from '../../main/engine/runtime/tensors.ts';
import { compileClipText, compileUnet } from '../../native-models/compile.ts';
import { isLinear, loraInputs } from '../../native-models/lora/adapter.ts';
import { type CheckpointConfig, SD15 } from '../../native-models/models/configs.ts';
import { type CanonicalTensors, canonicalTensors } from '../../native-models/weights/keys.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { readTensorFloat32, type WeightsFile } from '../../native-models/weights/tensors.ts';
import { openTensors, readCase, readNumbers, readTensor, shapeOf } from './caseFolder.ts';
import { type Check, checkClose, type Tolerance } from './check.ts';
import { clipConfigOf, type HfClipText, type LdmUnet, unetConfigOf } from './ldmConfigs.ts';

interface LoraCase {
  readonly checkpoint: string;
  readonly loras: Readonly<Record<string, { readonly file: string }>>;
  /** Which LoRAs at which weights is told in words; see choicesOf. */
  readonly runs: readonly { readonly id: string; readonly desc: string }[];
  readonly tolerance: Tolerance;
}

export async function* lora(caseDir: string): AsyncIterable<Check> {
  const spec = readCase<LoraCase>(caseDir);
  const io = openTensors(caseDir, 'io.safetensors');
  const networks = await openNetworks(caseDir, spec.checkpoint);
  const store = createLoraStore();
  const inputs = feedsOf(io, networks.config.textEncoders[0]!.width);
  const none = await runBoth(networks, store.choose(networks.config, []), inputs);
  yield checkClose('out_base', none.out, readNumbers(io, 'out_base'), spec.tolerance);
  yield checkClose('text_base', none.text, readNumbers(io, 'text_base'), spec.tolerance);
  for (const { id, desc } of spec.runs) {
    for (const choices of choicesOf(desc, spec.loras, caseDir)) {
      const set = store.choose(networks.config, choices);
      const label = (part: string): string =>
        `${id}.${part} (${choices.map(({ path }) => path.split(/[\\/]/).at(-1)).join(' + ')})`;
      const actual = await runBoth(networks, set, inputs);
      for (const part of ['out', 'text', 'text_penultimate'] as const)
        yield checkClose(label(part), actual[part], readNumbers(io, `${id}.${part}`), spec.tolerance);
      yield* checkWeights(io, id, set, networks.unetTensors, label, spec.tolerance);
    }
  }
  await networks.release();
}

/**
 * "a at 0.8 (text 0.6) then b at 0.5": LoRAs by key or file, each with a weight and perhaps another for the text;
 * "x (and y: same tensors) at 0.8" is the same run with either file.
 */
function choicesOf(desc: string, loras: LoraCase['loras'], caseDir: string): LoraChoice[][] {
  const byName = new Map(
    Object.entries(loras).flatMap(([key, { file }]) =>
      [key, file, file.replace('.safetensors', '')].map((name) => [name, join(caseDir, file)] as const),
    ),
  );
  const stack = desc.split(' then ').map((part) => {
    const unetWeight = Number(/\bat (-?[\d.]+)/.exec(part)?.[1]);
    const textWeight = Number(/\btext (-?[\d.]+)/.exec(part)?.[1] ?? unetWeight);
    const paths = [...new Set(part.match(/[\w.]+/g)!.flatMap((word) => byName.get(word) ?? []))];
    return paths.map((path) => ({ path, unetWeight, textWeight }));
  });
  const variants = Math.max(...stack.map(({ length }) => length));
  return Array.from({ length: variants }, (_, i) =>
    stack.map((paths) => paths[Math.min(i, paths.length - 1)]!),
  );
}

interface CaseNetworks {
  readonly config: CheckpointConfig;
  readonly unetTensors: CanonicalTensors;
  readonly text: InferenceSession;
  /** With inputs beside the linears only, and beside the convolutions too. */
  readonly unet: Readonly<Record<'linear' | 'spatial', InferenceSession>>;
  release(): Promise<void>;
}

async function openNetworks(caseDir: string, checkpoint: string): Promise<CaseNetworks> {
  const file = openTensors(caseDir, checkpoint);
  const shared = JSON.parse(readFileSync(join(dirname(file.path), 'shared.json'), 'utf8')) as {
    config: { unet: LdmUnet; clip: HfClipText };
  };
  const textConfig = clipConfigOf(shared.config.clip);
  const config = { ...SD15, unet: unetConfigOf(shared.config.unet), textEncoders: [textConfig] };
  const unetTensors = canonicalTensors(file, 'unet');
  const unetSource = fileParameters(file.path, unetTensors);
  const textSource = fileParameters(file.path, canonicalTensors(file, 'clipL'));
  const open = (accepts: typeof isLinear): Promise<InferenceSession> =>
    createSession(compileUnet(unetSource, config.unet, { flavour: 'cpu', lora: accepts }).graph);
  const unet = { linear: await open(isLinear), spatial: await open(() => true) };
  const text = await createSession(
    compileClipText(textSource, textConfig, { flavour: 'cpu', lora: isLinear }).graph,
  );
  const release = async (): Promise<void> => {
    for (const session of [text, unet.linear, unet.spatial]) await session.release();
  };
  return { config, unetTensors, text, unet, release };
}

interface Inputs {
  readonly unet: Feeds;
  readonly text: Feeds;
}

function feedsOf(io: WeightsFile, width: number): Inputs {
  const ids = BigInt64Array.from(readNumbers(io, 'ids'), BigInt);
  return {
    unet: {
      latent: toOrt(readTensor(io, 'x')),
      timestep: toOrt(readTensor(io, 't')),
      context: toOrt(readTensor(io, 'context')),
    },
    text: {
      tokenIds: new OrtTensor('int64', ids, shapeOf(io, 'ids')),
      extraEmbeddings: toOrt({ data: new Float32Array(width), shape: [1, width] }),
    },
  };
}

async function runBoth(
  { text, unet }: CaseNetworks,
  { feeds, spatial }: LoraSet,
  inputs: Inputs,
): Promise<Record<'out' | 'text' | 'text_penultimate', ArrayLike<number>>> {
  const noise = await unet[spatial ? 'spatial' : 'linear'].run({ ...inputs.unet, ...feeds.unet() });
  const encoded = await text.run({ ...inputs.text, ...feeds.textEncoder(0) });
  return {
    out: noise['noise']!.data as Float32Array,
    text: encoded['embedding.1']!.data as Float32Array,
    text_penultimate: encoded['embedding.2']!.data as Float32Array,
  };
}

/** Single weights as they would be if the live inputs were merged: W + up·down. */
function* checkWeights(
  io: WeightsFile,
  run: string,
  { feeds }: LoraSet,
  base: CanonicalTensors,
  label: (part: string) => string,
  tolerance: Tolerance,
): Iterable<Check> {
  const prefix = `${run}.weight.model.diffusion_model.`;
  for (const name of io.tensors.keys().filter((key) => key.startsWith(prefix))) {
    const path = name.slice(prefix.length).replace(/\.weight$/, '');
    const weight = readTensorFloat32(base.get(`${path}.weight`)!);
    const { downInput, upInput, scaleInput } = loraInputs(path);
    const { [downInput]: down, [upInput]: up, [scaleInput]: scale } = feeds.unet();
    if (down && up && scale) addProduct(weight, up, down, scale.data as Float32Array);
    yield checkClose(label(`weight.${path}`), weight, readNumbers(io, name), tolerance);
  }
}

/** weight += up·diag(scale)·down, whichever way the two lie (see StackedFactors). */
function addProduct(weight: Float32Array, up: OrtTensor, down: OrtTensor, scale: Float32Array): void {
  const isConv = down.dims.length === 4;
  const rank = down.dims[0]!;
  const [a, b] = [up.data as Float32Array, down.data as Float32Array];
  const outFeatures = rank === 0 ? 0 : a.length / rank;
  const inFeatures = rank === 0 ? 0 : b.length / rank;
  for (let o = 0; o < outFeatures; o++)
    for (let i = 0; i < inFeatures; i++)
      for (let r = 0; r < rank; r++)
        weight[o * inFeatures + i]! +=
          (isConv ? a[o * rank + r]! : a[r * outFeatures + o]!) * scale[r]! * b[r * inFeatures + i]!;
}
