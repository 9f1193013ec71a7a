/** What is attached to a checkpoint, measured: LoRA switch and step cost, ControlNet step cost, upscaling. */
import { join } from 'node:path';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { type OpenedCheckpoint, openCheckpoint } from '../../main/engine/checkpoint.ts';
import { type OpenControlNet, openControlNet, residualFeeds } from '../../main/engine/controls.ts';
import { cachedWeights } from '../../main/engine/fp32Cache.ts';
import { createLoraStore } from '../../main/engine/loras.ts';
import { createSession } from '../../main/engine/sessions.ts';
import { type Feeds, toOrt } from '../../main/engine/tensors.ts';
import { openUpscaler, upscaleImage } from '../../main/engine/upscaler.ts';
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

export interface AttachmentRow {
  readonly what: string;
  readonly value: number;
  readonly unit: 'ms' | '× a plain step' | 'output megapixels/s' | 'of 1';
}

const ROUNDS = 3;
const RANK = 32;
/** Side of the picture whose steps are timed. */
const SIDE = 256;

/** All rows for the checkpoint at `path`; what they need is written to `folder`. Ratios are of CPU time, taken in turns. */
export async function attachmentRows(path: string, folder: string): Promise<AttachmentRow[]> {
  const opened = openCheckpoint(path, 'cpu');
  const checkpoint = await cachedWeights(opened, folder, new AbortController().signal);
  const loras = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')] as const;
  for (const file of loras) await writeLora(file, checkpoint.config);
  return [
    ...loraSwitchRows(checkpoint.config, loras),
    ...(await stepRows(checkpoint, loras[0], folder)),
    ...(await upscaleRows(folder)),
  ];
}

/** A LoRA for every linear layer of the U-Net's transformers. */
async function writeLora(path: string, config: CheckpointConfig): Promise<void> {
  const sites = new Set(
    loraSites(config)
      .values()
      .filter(({ network, path: at, shape }) => {
        return network === 'unet' && shape.length === 2 && /attn|ff|proj_/.test(at);
      }),
  );
  const sources = [...sites].flatMap(({ path: at, shape: [out = 0, inputs = 0] }) => {
    const name = `lora_unet_${at.replaceAll('.', '_')}`;
    return [
      floatSource(`${name}.lora_down.weight`, [RANK, inputs], wave(RANK * inputs), 'F16'),
      floatSource(`${name}.lora_up.weight`, [out, RANK], wave(RANK * out), 'F16'),
      floatSource(`${name}.alpha`, [1], Float32Array.of(RANK / 2), 'F16'),
    ];
  });
  await writeSafetensors(path, sources);
}

/** Time to make another job's LoRAs ready; no session is opened. Each is the median of several changes there and back. */
function loraSwitchRows(config: CheckpointConfig, [a, b]: readonly [string, string]): AttachmentRow[] {
  type Use = readonly [path: string, weight: number];
  const store = createLoraStore();
  const choose = (...uses: readonly Use[]): number => {
    const choices = uses.map(([path, weight]) => ({ path, unetWeight: weight, textWeight: weight }));
    const start = performance.now();
    store.choose(config, choices);
    return performance.now() - start;
  };
  choose();
  const first = [choose([a, 1]), choose([b, 1])];
  const join = choose([a, 1], [b, 1]);
  const switched: number[] = [];
  const weighed: number[] = [];
  const stacked: number[] = [];
  for (let round = 0; round < 2 * ROUNDS; round++) {
    switched.push(choose([round % 2 ? a : b, 1]));
    weighed.push(choose([a, 0.5 + round / 10]));
    stacked.push(choose([a, 0.5 + round / 10], [b, 0.4]));
  }
  return [
    { what: `LoRA of rank ${RANK}: first read`, value: median(first), unit: 'ms' },
    { what: 'LoRA: switch to another', value: median(switched), unit: 'ms' },
    { what: 'LoRA: another weight', value: median(weighed), unit: 'ms' },
    { what: 'two LoRAs: first joined', value: join, unit: 'ms' },
    { what: 'two LoRAs: other weights', value: median(stacked), unit: 'ms' },
  ];
}

/** What a step costs beside the U-Net's own (batch of two), and whether rank 0 is the plain network to the bit. */
async function stepRows(
  checkpoint: OpenedCheckpoint,
  lora: string,
  folder: string,
): Promise<AttachmentRow[]> {
  const { config } = checkpoint;
  const source = fileParameters(checkpoint.path, checkpoint.parts.unet);
  const plain = await createSession(compileUnet(source, config.unet, { flavour: 'cpu' }).graph);
  const adaptable = await createSession(checkpoint.graphs.unet());
  const control = await randomControlNet(join(folder, 'control.safetensors'), config);
  const feeds = evaluationFeeds(config);
  const store = createLoraStore();
  const none = { ...store.choose(config, []).feeds.unet(), ...residualFeeds(config.unet) };
  const used = store.choose(config, [{ path: lora, unetWeight: 1, textWeight: 1 }]).feeds.unet();
  const run = (session: InferenceSession, more: Feeds = {}) => session.run({ ...feeds, ...more });
  const [without, rank0, ranked, controlled] = await inTurns([
    () => run(plain),
    () => run(adaptable, none),
    () => run(adaptable, { ...none, ...used }),
    async () =>
      run(adaptable, { ...none, ...residualFeeds(config.unet, await control.run(controlInput(config))) }),
  ]);
  const [expected, actual] = [await run(plain), await run(adaptable, none)];
  const identical = bytesOf(expected['noise']!).equals(bytesOf(actual['noise']!));
  await plain.release();
  await adaptable.release();
  await control.release();
  const ratio = (what: string, seconds: readonly number[]): AttachmentRow => ({
    what,
    value: median(seconds.map((value, round) => value / without![round]!)),
    unit: '× a plain step',
  });
  return [
    { what: 'LoRA inputs of rank 0: outputs bit-identical', value: Number(identical), unit: 'of 1' },
    ratio('LoRA inputs of rank 0: step', rank0!),
    ratio(`LoRA of rank ${RANK}: step`, ranked!),
    ratio('ControlNet: step', controlled!),
  ];
}

/** CPU seconds of every task, round by round: the tasks take turns, so that whatever else runs here meets all of them. */
async function inTurns(tasks: readonly (() => Promise<unknown>)[]): Promise<number[][]> {
  const seconds: number[][] = tasks.map(() => []);
  for (let round = 0; round <= ROUNDS; round++)
    for (const [index, task] of tasks.entries()) {
      const start = process.cpuUsage();
      await task();
      const { user, system } = process.cpuUsage(start);
      if (round > 0) seconds[index]!.push((user + system) / 1e6); // the first round warms up
    }
  return seconds;
}

async function randomControlNet(path: string, { unet }: CheckpointConfig): Promise<OpenControlNet> {
  const config: ControlNetConfig = { ...unet, hintChannels: 3, hintWidths: [16, 16, 32, 32, 96, 96, 256] };
  const shapes = recordParameters((scope) => {
    controlNet(scope, config, {
      latent: input('latent', 'float32', ['batch', unet.inChannels, 'height', 'width']),
      timestep: input('timestep', 'float32', ['batch']),
      context: input('context', 'float32', ['batch', 77, unet.contextDim]),
      hint: input('hint', 'float32', ['hints', 3, 'hintHeight', 'hintWidth']),
    });
  });
  await writeRandomWeights(path, shapes, 2);
  return openControlNet(openWeights(path), config);
}

const UPSCALERS: readonly (readonly [name: string, config: EsrganConfig, side: number])[] = [
  [
    'ESRGAN ×4',
    { kind: 'rrdb', imageChannels: 3, features: 64, blocks: 23, growth: 32, unshuffle: 1, upsamples: 2, scale: 4 },
    128,
  ],
  ['compact ×4', { kind: 'srvgg', imageChannels: 3, features: 64, convs: 16, scale: 4 }, 256],
];

async function upscaleRows(folder: string): Promise<AttachmentRow[]> {
  const rows: AttachmentRow[] = [];
  for (const [name, config, side] of UPSCALERS) {
    const path = join(folder, `${config.kind}.safetensors`);
    const shapes = recordParameters((scope) => {
      esrgan(scope, config, input('image', 'float32', ['batch', 3, 'height', 'width']));
    });
    await writeRandomWeights(path, shapes, 3);
    const upscaler = await openUpscaler(openWeights(path));
    const picture = pixelsOf(new Uint8Array(side * side * 3).fill(100), side, side, 3);
    const seconds: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const start = performance.now();
      await upscaleImage(picture, upscaler);
      if (round > 0) seconds.push((performance.now() - start) / 1000);
    }
    await upscaler.release();
    const value = (side * config.scale) ** 2 / 1e6 / median(seconds);
    rows.push({ what: `upscaling by ${name}`, value, unit: 'output megapixels/s' });
  }
  return rows;
}

function evaluationFeeds({ unet }: CheckpointConfig): Feeds {
  const { latent, timestep, context } = controlInput({ unet });
  return {
    latent: toOrt(latent),
    timestep: new Tensor('float32', timestep, [timestep.length]),
    context: toOrt(context),
  };
}

function controlInput({ unet }: Pick<CheckpointConfig, 'unet'>): Parameters<OpenControlNet['run']>[0] {
  const waves = (...shape: number[]) => ({ data: wave(shape.reduce((a, b) => a * b, 1)), shape });
  return {
    latent: waves(2, unet.inChannels, SIDE / 8, SIDE / 8),
    timestep: Float32Array.of(500, 500),
    context: waves(2, 77, unet.contextDim),
    hint: waves(1, 3, SIDE, SIDE),
  };
}

function bytesOf({ data }: Tensor): Buffer {
  const floats = data as Float32Array;
  return Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function wave(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => 0.1 * Math.sin(i * 12.9898));
}
