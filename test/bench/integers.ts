/** Speeds fast (16-bit integers, or fewer products) and draft (8-bit ones) against exact float32, in turns within one process. */
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { relativeL2 } from '../../main/engine/runtime/probing.ts';
import { createSession, DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import { type CheckpointParts, checkpointOf, openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import { withPackedWeights } from '../../main/engine/weights/packedCache.ts';
import { buildGraph, type Graph } from '../../native-models/graph/build.ts';
import { input, type Value } from '../../native-models/graph/value.ts';
import { conv2d, linear } from '../../native-models/layers/basic.ts';
import { type Packing, rootScope, type Scope } from '../../native-models/layers/scope.ts';
import { layerSource } from '../../native-models/weights/packed.ts';
import {
  MANY_PROMPTS,
  openStarter,
  psnr,
  type StarterRuns,
  starterCheckpoint,
  starterRequest,
} from '../helpers/shortcutRuns.ts';
import { unetFeeds } from './networks.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { medianSecondsInTurns, privateGiB, secondsOf, wave, waveTensor } from './timing.ts';

const PACKINGS = {
  exact: undefined,
  'fast (16-bit)': 16,
  'fast (fewer products)': 'winograd',
  draft: 8,
} as const satisfies Record<string, Packing | undefined>;
type Kind = keyof typeof PACKINGS;
type PackedKind = Exclude<Kind, 'exact'>;
const KINDS = Object.keys(PACKINGS) as Kind[];
const PACKED_KINDS = KINDS.filter((kind): kind is PackedKind => kind !== 'exact');
/** What a CFG step may take, of the exact one, at 512²; in integers on a processor with matrix units for them. */
const TIME_GOAL: Readonly<Record<PackedKind, number>> = {
  'fast (16-bit)': 0.58,
  'fast (fewer products)': 0.8,
  draft: 0.34,
};
const ERROR_GOAL: Readonly<Record<PackedKind, number>> = {
  'fast (16-bit)': 1e-3,
  'fast (fewer products)': 1e-3,
  draft: 0.1,
};

interface LayerShape {
  readonly what: string;
  readonly input: readonly number[];
  readonly weight: readonly number[];
  readonly layer: (scope: Scope, x: Value) => Value;
}

const linearShape = (rows: number, from: number, to: number): LayerShape => ({
  what: `linear ${rows} × ${from} → ${to}`,
  input: [rows, from],
  weight: [to, from],
  layer: (scope, x) => linear(scope, x, from, to),
});
const convShape = (side: number, from: number, to: number): LayerShape => ({
  what: `convolution 3×3 ${from} → ${to} at ${side}²`,
  input: [1, from, side, side],
  weight: [to, from, 3, 3],
  layer: (scope, x) => conv2d(scope, x, from, to),
});
const LAYERS = [
  linearShape(4096, 320, 320),
  linearShape(4096, 320, 2560),
  linearShape(1024, 640, 2560),
  linearShape(256, 1280, 5120),
  convShape(64, 320, 320),
  convShape(32, 640, 640),
  convShape(16, 1280, 1280),
];

/** Layers of SD 1.5's U-Net at 512², alone: time over that of float32. */
export async function integerLayerRows(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const shape of LAYERS) rows.push(...(await layerRows(shape)));
  return rows;
}

async function layerRows({
  what,
  input: shape,
  weight: weightShape,
  layer,
}: LayerShape): Promise<BenchRow[]> {
  const weight = wave(weightShape.reduce((a, b) => a * b, 1));
  const feeds = { x: waveTensor(...shape) };
  const sessions = await perKind((kind) => {
    const scope = rootScope(layerSource(weight, weightShape, PACKINGS[kind]), { flavour: 'cpu' });
    return openKind(buildGraph({ y: layer(scope, input('x', 'float32', shape)) }), kind);
  });
  const seconds = await inTurns(sessions, feeds, 5);
  await releaseAll(sessions);
  return PACKED_KINDS.map((kind) => ({
    what: `${kind}: ${what}`,
    value: seconds[kind] / seconds.exact,
    unit: '×',
  }));
}

/** Packing, loading, memory, time per CFG step and error of a full-size U-Net; then time and error of the VAE decoder. */
export async function integerNetworkRows({
  checkpoint: path,
  folder,
  sides,
}: BenchContext): Promise<BenchRow[]> {
  const opened = openCheckpoint(path, { flavour: 'cpu' });
  const rows: BenchRow[] = [];
  const parts = new Map<Kind, CheckpointParts>([['exact', opened.parts]]);
  for (const kind of PACKED_KINDS) {
    const value = await secondsOf(async () => {
      parts.set(kind, await packedParts(opened.parts, PACKINGS[kind], join(folder, 'packed')));
    });
    rows.push({ what: `${kind}: weights packed, once a checkpoint`, value, unit: 's' });
  }
  const graphs = (kind: Kind) => checkpointOf(path, opened.config, parts.get(kind)!, opened.target).graphs;
  const unets = await perKind(async (kind) => {
    const before = privateGiB();
    let session: InferenceSession | undefined;
    const value = await secondsOf(async () => {
      session = await openKind(graphs(kind).unet(), kind);
    });
    rows.push({ what: `${kind}: U-Net, session made`, value, unit: 's' });
    rows.push({ what: `${kind}: U-Net, memory of its own`, value: privateGiB() - before, unit: 'GiB' });
    return session!;
  });
  for (const side of sides)
    rows.push(...(await comparisonRows(`CFG step at ${side}²`, unets, unetFeeds(opened)(side), side >= 512)));
  await releaseAll(unets);
  const decoders = await perKind((kind) => openKind(graphs(kind).vaeDecoder(), kind));
  for (const side of sides) {
    const latent = waveTensor(1, opened.config.vae.embedDim, side / 8, side / 8);
    rows.push(...(await comparisonRows(`VAE decoder at ${side}²`, decoders, { latent }, false)));
  }
  await releaseAll(decoders);
  return rows;
}

/** The starter's pictures in integers, against the exact ones: no shortcuts, two seeds a prompt. */
export async function integerPictureRows({ folder }: BenchContext): Promise<BenchRow[]> {
  const opened = starterCheckpoint();
  const exact = await paintAll(openStarter(0, opened));
  const rows: BenchRow[] = [];
  for (const kind of PACKED_KINDS) {
    const parts = await packedParts(opened.parts, PACKINGS[kind], join(folder, 'packed'));
    const checkpoint = checkpointOf(opened.path, opened.config, parts, opened.target);
    const pictures = await paintAll(openStarter(0, checkpoint, PACKINGS[kind] !== 'winograd'));
    const decibels = pictures.map((pixels, index) => psnr(pixels, exact[index]!)).sort((a, b) => a - b);
    rows.push(
      {
        what: `${kind}: starter's pictures, PSNR, median`,
        value: decibels[decibels.length >> 1]!,
        unit: 'dB',
      },
      {
        what: `${kind}: starter's pictures, PSNR, worst`,
        value: decibels[0]!,
        unit: 'dB',
        goal: { atLeast: 24 },
      },
    );
  }
  return rows;
}

async function paintAll(starter: StarterRuns): Promise<Uint8Array[]> {
  const pictures: Uint8Array[] = [];
  for (const prompt of MANY_PROMPTS)
    pictures.push(...(await starter.paint(starterRequest(prompt, { batch: 2 }))).pixels);
  await starter.release();
  return pictures;
}

async function packedParts(
  parts: CheckpointParts,
  packing: Packing,
  cacheDir: string,
): Promise<CheckpointParts> {
  const options = { packing, cacheDir, signal: new AbortController().signal };
  return {
    ...parts,
    unet: await withPackedWeights('unet', parts.unet, options),
    vae: await withPackedWeights('vaeDecoder', parts.vae, options),
  };
}

type Sessions = Readonly<Record<Kind, InferenceSession>>;

async function perKind(open: (kind: Kind) => Promise<InferenceSession>): Promise<Sessions> {
  const sessions: Partial<Record<Kind, InferenceSession>> = {};
  for (const kind of KINDS) sessions[kind] = await open(kind);
  return sessions as Sessions;
}

function openKind(graph: Graph, kind: Kind): Promise<InferenceSession> {
  return createSession(graph, { ...DEFAULT_SESSION, prepack: typeof PACKINGS[kind] === 'number' });
}

async function releaseAll(sessions: Sessions): Promise<void> {
  for (const kind of KINDS) await sessions[kind].release();
}

type AllFeeds = Record<string, Tensor>;

function inTurns(sessions: Sessions, feeds: AllFeeds, rounds?: number): Promise<Record<Kind, number>> {
  const runs = KINDS.map((kind) => [kind, () => sessions[kind].run(feeds)] as const);
  return medianSecondsInTurns(Object.fromEntries(runs) as Record<Kind, () => Promise<unknown>>, rounds);
}

async function comparisonRows(
  what: string,
  sessions: Sessions,
  feeds: AllFeeds,
  hasGoal: boolean,
): Promise<BenchRow[]> {
  const seconds = await inTurns(sessions, feeds);
  const exact = await outputOf(sessions.exact, feeds);
  const rows: BenchRow[] = [{ what: `exact: ${what}`, value: seconds.exact, unit: 's' }];
  for (const kind of PACKED_KINDS) {
    const error = relativeL2(await outputOf(sessions[kind], feeds), exact);
    const ratio = {
      what: `${kind}: ${what}, against exact`,
      value: seconds[kind] / seconds.exact,
      unit: '×',
    };
    rows.push(
      { what: `${kind}: ${what}`, value: seconds[kind], unit: 's' },
      hasGoal ? { ...ratio, goal: { atMost: TIME_GOAL[kind] } } : ratio,
      {
        what: `${kind}: ${what}, relative error`,
        value: error,
        unit: '',
        goal: { atMost: ERROR_GOAL[kind] },
      },
    );
  }
  return rows;
}

async function outputOf(session: InferenceSession, feeds: AllFeeds): Promise<Float32Array> {
  const outputs = await session.run(feeds);
  return outputs[session.outputNames[0]!]!.data as Float32Array;
}
