/** The networks of SD 1.5 in each memory mode, beside the work they do. One CFG step is a batch of two. */
import { Tensor } from 'onnxruntime-node';
import type { DeviceName } from '../../main/engine/border/protocol.ts';
import { createLoraStore } from '../../main/engine/conditions/loras.ts';
import { vaeTileFor } from '../../main/engine/devices/memory.ts';
import { VAE_OVERLAP } from '../../main/engine/networks/networks.ts';
import { residualFeeds } from '../../main/engine/networks/residualFeeds.ts';
import { createSession, DEFAULT_SESSION, type SessionOptions } from '../../main/engine/runtime/sessions.ts';
import { runOne, toOrt } from '../../main/engine/runtime/tensors.ts';
import { type OpenedCheckpoint, openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import { cachedWeights } from '../../main/engine/weights/fp32Cache.ts';
import { runTiled } from '../../main/pipeline/tiles.ts';
import type { Graph } from '../../native-models/graph/build.ts';
import { flopsOf } from '../../native-models/graph/flops.ts';
import { input, type Value } from '../../native-models/graph/value.ts';
import { rootScope } from '../../native-models/layers/scope.ts';
import { SD15 } from '../../native-models/models/configs.ts';
import { recordingSource } from '../../native-models/models/parameters.ts';
import { unet } from '../../native-models/models/unet.ts';
import { vaeDecoder } from '../../native-models/models/vae.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { gemmSpeed, median, medianSeconds, peakGiB, privateGiB, secondsOf, waveTensor } from './timing.ts';

type Memory = 'normal' | 'cached' | 'low';

const CREATE_GOALS: Readonly<Record<Memory, BenchRow['goal'] | undefined>> = {
  normal: { atMost: 3 },
  cached: { atMost: 1 },
  low: undefined,
};

/** Session creation, seconds per CFG step and share of GEMM speed at each side, memory, of the U-Net in one memory mode. */
export async function unetRows(context: BenchContext, memory: Memory): Promise<BenchRow[]> {
  const opened = openCheckpoint(context.checkpoint, { flavour: 'cpu' });
  const checkpoint =
    memory === 'cached' ? await cachedWeights(opened, context.folder, new AbortController().signal) : opened;
  const network = { graph: checkpoint.graphs.unet(), flops: unetFlops, feeds: unetFeeds(checkpoint) };
  const rows = await networkRows(`U-Net, ${memory}`, network, context.sides, memory === 'low');
  const create = rows[0]!;
  const goal = CREATE_GOALS[memory];
  return [goal ? { ...create, goal } : create, ...rows.slice(1)];
}

/** The same for the VAE decoder. */
export async function vaeDecoderRows({ checkpoint, sides }: BenchContext): Promise<BenchRow[]> {
  const { graphs, config } = openCheckpoint(checkpoint, { flavour: 'cpu' });
  const feeds = (side: number): Record<string, Tensor> => ({
    latent: waveTensor(1, config.vae.embedDim, side / 8, side / 8),
  });
  return networkRows('VAE decoder', { graph: graphs.vaeDecoder(), flops: vaeFlops, feeds }, sides, false);
}

const TILED_SIDE = 768;

/** Decoding 768² in the tiles of memory mode `low`, against in one piece. Minutes long: one run each. */
export async function tiledDecoderRows({ checkpoint }: BenchContext): Promise<BenchRow[]> {
  const { graphs, config } = openCheckpoint(checkpoint, { flavour: 'cpu' });
  const session = await createSession(graphs.vaeDecoder());
  const latentSide = TILED_SIDE / 8;
  const latent = waveTensor(1, config.vae.embedDim, latentSide, latentSide);
  const decode = (tile: number): Promise<unknown> =>
    runTiled(
      { data: latent.data as Float32Array<ArrayBuffer>, shape: latent.dims },
      { tile, overlap: VAE_OVERLAP / 8, scale: 8 },
      (part) => runOne(session, { latent: toOrt(part) }, 'image'),
    );
  const whole = await secondsOf(() => decode(latentSide));
  const tiled = await secondsOf(() => decode(vaeTileFor(TILED_SIDE ** 2, 'low') / 8));
  await session.release();
  return [
    { what: `VAE decoder: ${TILED_SIDE}² in one piece`, value: whole, unit: 's' },
    {
      what: `VAE decoder: ${TILED_SIDE}² in tiles, against in one piece`,
      value: tiled / whole,
      unit: '×',
      goal: { atMost: 1.15 },
    },
  ];
}

/** The text encoder, prompt and negative prompt together. */
export async function textEncoderRows({ checkpoint }: BenchContext): Promise<BenchRow[]> {
  const opened = openCheckpoint(checkpoint, { flavour: 'cpu' });
  const session = await createSession(opened.graphs.textEncoder(0));
  const { contextLength, width } = opened.config.textEncoders[0]!;
  const ids = BigInt64Array.from({ length: 2 * contextLength }, (_, i) => BigInt(i * 97));
  const feeds = {
    tokenIds: new Tensor('int64', ids, [2, contextLength]),
    extraEmbeddings: waveTensor(1, width),
    ...createLoraStore().choose(opened.config, []).feeds.textEncoder(0),
  };
  const value = await medianSeconds(() => session.run(feeds));
  await session.release();
  return [{ what: 'text encoder: two prompts', value, unit: 's' }];
}

interface Network {
  readonly graph: Graph;
  readonly flops: (side: number) => number;
  readonly feeds: (side: number) => Record<string, Tensor>;
}

async function networkRows(
  name: string,
  { graph, flops, feeds }: Network,
  sides: readonly number[],
  castWhileRunning: boolean,
): Promise<BenchRow[]> {
  const options = { ...DEFAULT_SESSION, castWhileRunning };
  const rows: BenchRow[] = [
    { what: `${name}: session made`, value: await creationSeconds(graph, options), unit: 's' },
  ];
  const session = await createSession(graph, options);
  for (const side of sides) {
    const given = feeds(side);
    const before = await gemmSpeed();
    const value = await medianSeconds(() => session.run(given));
    const gemm = (before + (await gemmSpeed())) / 2;
    const share = (100 * flops(side)) / value / 1e9 / gemm;
    rows.push(
      { what: `${name}: ${side}²`, value, unit: 's' },
      {
        what: `${name}: ${side}², work against GEMM`,
        value: share,
        unit: '%',
        // 80 % of GEMM speed is 1.25 times the time that the work alone would take there.
        ...(side >= 512 && !castWhileRunning && { goal: { atLeast: name.startsWith('VAE') ? 80 : 60 } }),
      },
    );
    if (side === sides[0]) rows.push(...memoryRows(name, side, castWhileRunning));
  }
  await session.release();
  return rows;
}

/** Median of three: the first also pays what a virtual machine takes to get memory from its host. */
async function creationSeconds(graph: Graph, options: SessionOptions): Promise<number> {
  const made: number[] = [];
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    const session = await createSession(graph, options);
    made.push((performance.now() - start) / 1000);
    await session.release();
  }
  return median(made);
}

function memoryRows(name: string, side: number, low: boolean): BenchRow[] {
  return [
    { what: `${name}: ${side}², peak memory`, value: peakGiB(), unit: 'GiB' },
    {
      what: `${name}: ${side}², memory of its own`,
      value: privateGiB(),
      unit: 'GiB',
      ...(low && { goal: { atMost: 1.6 } }),
    },
  ];
}

/** Inputs of a U-Net evaluation of a batch of two, without LoRA and control. */
export function unetFeeds(
  { config }: Pick<OpenedCheckpoint, 'config'>,
  device: DeviceName = 'cpu',
): (side: number) => Record<string, Tensor> {
  const noLora = createLoraStore().choose(config, [], device).feeds.unet();
  return (side) => ({
    latent: waveTensor(2, config.unet.inChannels, side / 8, side / 8),
    timestep: new Tensor('float32', Float32Array.of(500, 500), [2]),
    context: waveTensor(2, 77, config.unet.contextDim),
    ...noLora,
    ...residualFeeds(config.unet),
  });
}

function unetFlops(side: number): number {
  const float = (name: string, ...shape: number[]): Value => input(name, 'float32', shape);
  const scope = rootScope(recordingSource(new Map()), { flavour: 'cpu' });
  const inputs = {
    latent: float('x', 2, 4, side / 8, side / 8),
    timestep: float('t', 2),
    context: float('c', 2, 77, 768),
  };
  return flopsOf([unet(scope, SD15.unet, inputs)]);
}

function vaeFlops(side: number): number {
  const scope = rootScope(recordingSource(new Map()), { flavour: 'cpu' });
  return flopsOf([vaeDecoder(scope, SD15.vae, input('z', 'float32', [1, 4, side / 8, side / 8]))]);
}
