/** What can be attached to a checkpoint: LoRA switch and step cost, ControlNet step cost, upscaling. */
import { join } from 'node:path';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { type OpenControl, openControlNet } from '../../main/engine/conditions/controlNets.ts';
import { createLoraStore } from '../../main/engine/conditions/loras.ts';
import { residualFeeds } from '../../main/engine/networks/residualFeeds.ts';
import { openUpscaler, upscaleImage } from '../../main/engine/networks/upscaler.ts';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { type OpenedCheckpoint, openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import { cachedWeights } from '../../main/engine/weights/fp32Cache.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { compileUnet } from '../../native-models/compile.ts';
import { input } from '../../native-models/graph/value.ts';
import { loraSites } from '../../native-models/lora/sites.ts';
import type { CheckpointConfig, ControlNetConfig, EsrganConfig } from '../../native-models/models/configs.ts';
import { controlNet } from '../../native-models/models/controlnet.ts';
import { esrgan } from '../../native-models/models/esrgan.ts';
import { recordParameters } from '../../native-models/models/parameters.ts';
import { openWeights } from '../../native-models/weights/open.ts';
import { writeRandomWeights } from '../../native-models/weights/randomCheckpoint.ts';
import { floatSource, writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { cpuSecondsInTurns, median, medianSeconds, wave, waveTensor } from './timing.ts';

const RANK = 32;
/** A LoRA is weighed and switched this often; the median counts. */
const SWITCHES = 9;

/** How long another choice of LoRAs takes; no session is opened for it. */
export async function loraSwitchRows({ checkpoint, folder }: BenchContext): Promise<BenchRow[]> {
  const { config } = openCheckpoint(checkpoint, { flavour: 'cpu' });
  const [a, b] = [await writeLora(folder, 'a', config), await writeLora(folder, 'b', config)];
  const store = createLoraStore();
  const choose = (...uses: readonly (readonly [path: string, weight: number])[]): number => {
    const choices = uses.map(([path, weight]) => ({ path, unetWeight: weight, textWeight: weight }));
    const start = performance.now();
    store.choose(config, choices);
    return performance.now() - start;
  };
  const row = (what: string, value: number): BenchRow => ({
    what: `LoRA rank ${RANK}: ${what}`,
    value,
    unit: 'ms',
  });
  const goal = { atMost: 20 };
  choose();
  const read = median([choose([a, 1]), choose([b, 1])]);
  const joined = choose([a, 1], [b, 1]);
  const rounds = Array.from({ length: SWITCHES }, (_, round) => ({
    switched: choose([round % 2 ? a : b, 1]),
    weighed: choose([round % 2 ? a : b, round / 10]),
    stackWeighed: choose([a, 1 - round / 10], [b, 0.4]),
  }));
  return [
    row('read for the first time', read),
    { ...row('switch to another', median(rounds.map(({ switched }) => switched))), goal },
    { ...row('another weight', median(rounds.map(({ weighed }) => weighed))), goal },
    row('two stacked for the first time', joined),
    { ...row('two stacked, other weights', median(rounds.map(({ stackWeighed }) => stackWeighed))), goal },
  ];
}

/** A LoRA for every linear layer of the U-Net's transformers; returns its path. */
async function writeLora(folder: string, name: string, config: CheckpointConfig): Promise<string> {
  const sites = [...new Set(loraSites(config).values())].filter(
    ({ network, path, shape }) => network === 'unet' && shape.length === 2 && /attn|ff|proj_/.test(path),
  );
  const sources = sites.flatMap(({ path, shape: [out = 0, inputs = 0] }) => {
    const module = `lora_unet_${path.replaceAll('.', '_')}`;
    return [
      floatSource(`${module}.lora_down.weight`, [RANK, inputs], wave(RANK * inputs, 0.1), 'F16'),
      floatSource(`${module}.lora_up.weight`, [out, RANK], wave(RANK * out, 0.1), 'F16'),
      floatSource(`${module}.alpha`, [1], Float32Array.of(RANK / 2), 'F16'),
    ];
  });
  const path = join(folder, `${name}.safetensors`);
  await writeSafetensors(path, sources);
  return path;
}

/**
 * CPU time of a CFG step with LoRA inputs and with a ControlNet, against that of the U-Net without either; and whether
 * rank 0 gives the same bits. Float32 weights from the cache, so that the two U-Nets share their pages.
 */
export async function stepCostRows(context: BenchContext): Promise<BenchRow[]> {
  const opened = openCheckpoint(context.checkpoint, { flavour: 'cpu' });
  const checkpoint = await cachedWeights(opened, context.folder, new AbortController().signal);
  const { config } = checkpoint;
  const source = fileParameters(checkpoint.path, checkpoint.parts.unet);
  const plain = await createSession(compileUnet(source, config.unet, { flavour: 'cpu' }).graph);
  const adaptable = await createSession(checkpoint.graphs.unet());
  const control = await randomControlNet(context.folder, config);
  const lora = await writeLora(context.folder, 'a', config);
  const sides = context.sides.slice(0, 1);
  const rows: BenchRow[] = [];
  for (const side of sides)
    rows.push(...(await costsAt(side, { checkpoint, plain, adaptable, control, lora })));
  for (const session of [plain, adaptable, control]) await session.release();
  return rows;
}

interface Attached {
  readonly checkpoint: OpenedCheckpoint;
  readonly plain: InferenceSession;
  readonly adaptable: InferenceSession;
  readonly control: OpenControl;
  readonly lora: string;
}

async function costsAt(side: number, attached: Attached): Promise<BenchRow[]> {
  const { checkpoint, plain, adaptable, control, lora } = attached;
  const { unet } = checkpoint.config;
  const timestep = Float32Array.of(500, 500);
  const [latent, text] = [
    waveTensor(2, unet.inChannels, side / 8, side / 8),
    waveTensor(2, 77, unet.contextDim),
  ];
  const told = { latent, timestep: new Tensor('float32', timestep, [2]), context: text };
  const store = createLoraStore();
  const rank0 = { ...told, ...store.choose(checkpoint.config, []).feeds.unet(), ...residualFeeds(unet) };
  const choice = { path: lora, unetWeight: 1, textWeight: 1 };
  const ranked = { ...rank0, ...store.choose(checkpoint.config, [choice]).feeds.unet() };
  const plainTensor = ({ data, dims }: Tensor) => ({ data: data as Float32Array<ArrayBuffer>, shape: dims });
  const controlInput = {
    latent: plainTensor(latent),
    timestep,
    context: plainTensor(text),
    hint: plainTensor(waveTensor(1, 3, side, side)),
  };
  const seconds = await cpuSecondsInTurns({
    plain: () => plain.run(told),
    rank0: () => adaptable.run(rank0),
    ranked: () => adaptable.run(ranked),
    controlled: async () =>
      adaptable.run({ ...rank0, ...residualFeeds(unet, await control.run(controlInput)) }),
  });
  const [expected, actual] = [await plain.run(told), await adaptable.run(rank0)];
  const differing = differingBytes(expected['noise']!, actual['noise']!);
  const ratio = (what: string, value: number, goal?: BenchRow['goal']): BenchRow => ({
    what: `${what}: CPU time of a step at ${side}²`,
    value: value / seconds.plain,
    unit: '×',
    ...(goal && { goal }),
  });
  return [
    { what: 'LoRA rank 0: bytes that differ from no LoRA', value: differing, unit: '', goal: { atMost: 0 } },
    ratio('LoRA rank 0', seconds.rank0, { atMost: 1.05 }),
    ratio(`LoRA rank ${RANK}`, seconds.ranked, { atMost: 1.05 }),
    ratio('ControlNet', seconds.controlled),
  ];
}

function differingBytes(a: Tensor, b: Tensor): number {
  const [left, right] = [a, b].map(({ data }) => new Uint8Array((data as Float32Array).buffer));
  return left!.reduce((count, byte, i) => count + Number(byte !== right![i]), 0);
}

async function randomControlNet(folder: string, { unet }: CheckpointConfig): Promise<OpenControl> {
  const config: ControlNetConfig = { ...unet, hintChannels: 3, hintWidths: [16, 16, 32, 32, 96, 96, 256] };
  const float = (name: string, ...shape: (number | string)[]) => input(name, 'float32', shape);
  const shapes = recordParameters((scope) => {
    controlNet(scope, config, {
      latent: float('latent', 'batch', unet.inChannels, 'height', 'width'),
      timestep: float('timestep', 'batch'),
      context: float('context', 'batch', 77, unet.contextDim),
      hint: float('hint', 'hints', 3, 'hintHeight', 'hintWidth'),
    });
  });
  const path = join(folder, 'control.safetensors');
  await writeRandomWeights(path, shapes, 2);
  return openControlNet(openWeights(path), config);
}

// biome-ignore format: one table, read across
const UPSCALERS: readonly (readonly [name: string, config: EsrganConfig, side: number])[] = [
  ['ESRGAN ×4', { kind: 'rrdb', imageChannels: 3, features: 64, blocks: 23, growth: 32, unshuffle: 1, upsamples: 2, scale: 4 }, 128],
  ['compact ×4', { kind: 'srvgg', imageChannels: 3, features: 64, convs: 16, scale: 4 }, 256],
];

/** Megapixels that come out in a second, from picture to picture. */
export async function upscaleRows({ folder }: BenchContext): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [name, config, side] of UPSCALERS) {
    const path = join(folder, `${config.kind}.safetensors`);
    const shapes = recordParameters((scope) => {
      esrgan(scope, config, input('image', 'float32', ['batch', 3, 'height', 'width']));
    });
    await writeRandomWeights(path, shapes, 3);
    const upscaler = await openUpscaler(openWeights(path));
    const picture = pixelsOf(new Uint8Array(side * side * 3).fill(100), side, side, 3);
    const seconds = await medianSeconds(() => upscaleImage(picture, upscaler));
    await upscaler.release();
    const megapixels = (side * config.scale) ** 2 / 1e6;
    rows.push({ what: `upscaler ${name}: output from ${side}²`, value: megapixels / seconds, unit: 'MP/s' });
  }
  return rows;
}
