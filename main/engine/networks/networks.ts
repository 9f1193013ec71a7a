/** The networks of one checkpoint as sessions, each made when it is first needed: implements the pipeline's port. */
import type { InferenceSession } from 'onnxruntime-node';
import type { Graph } from '../../../native-models/graph/build.ts';
import type { GenerationModel } from '../../pipeline/generate.ts';
import type { NoisePrediction, NoisePredictionInput } from '../../pipeline/model.ts';
import { nchw, type Tensor, tensor } from '../../pipeline/tensor.ts';
import { runTiled } from '../../pipeline/tiles.ts';
import { residentFeeds } from '../runtime/resident.ts';
import { createSession, type SessionOptions } from '../runtime/sessions.ts';
import { type Feeds, runOne, toOrt } from '../runtime/tensors.ts';
import type { CheckpointGraphs } from '../weights/checkpoint.ts';
import { predictInParts } from './rows.ts';
import { textModel } from './textModel.ts';
import { predictFromDeep, predictNoise } from './unet.ts';

/** What a session is made for. */
export type NetworkName = 'unet' | 'outerUnet' | 'vaeEncoder' | 'vaeDecoder' | `textEncoder.${number}`;

/** How networks are run, and whom they tell. */
export interface NetworkOptions {
  readonly session: SessionOptions;
  /** Free the other networks before one is loaded: for little memory. */
  readonly oneAtATime: boolean;
  /** Largest picture side that the VAE takes in one piece, in pixels. */
  readonly vaeTile: () => number;
  /** How many rows the U-Net evaluates at once; all of them unless told. */
  readonly rows?: () => number;
  readonly onLoad?: (network: NetworkName, seconds: number) => void;
  /** A GPU compiles its kernels at the first evaluation of a size; the function that is given back is called after it. */
  readonly onCompile?: (() => () => void) | undefined;
}

/** Tensors given to every evaluation besides the port's own: LoRA matrices. */
export interface LoraFeeds {
  readonly unet: () => Feeds;
  readonly textEncoder: (index: number) => Feeds;
}

/** For graphs without inputs for LoRAs. */
export const NO_LORA: LoraFeeds = { unet: () => ({}), textEncoder: () => ({}) };

/** All networks of a checkpoint. */
export interface Networks extends GenerationModel {
  /** Frees every session. */
  release(): Promise<void>;
}

/** How far VAE tiles overlap, in pixels; a GroupNorm over a smaller tile drifts in tone. */
export const VAE_OVERLAP = 64;

/** Loads nothing yet. */
export function createNetworks(
  graphs: CheckpointGraphs,
  options: NetworkOptions,
  lora: LoraFeeds = NO_LORA,
): Networks {
  const pool = sessionPool(graphs, options);
  const resident = residentFeeds(options.session);
  const warmed = warmUps(options);
  const { config } = graphs;
  const { scalingFactor } = config.vae;
  return {
    config,
    textModels: config.textEncoders.map((encoder, index) =>
      textModel(
        encoder,
        () => pool.get(`textEncoder.${index}`),
        () => lora.textEncoder(index),
      ),
    ),
    predictNoise: async (whole) => {
      const factors = await resident.of(lora.unet());
      const predict = (input: NoisePredictionInput): Promise<NoisePrediction> => {
        const { deep, latent } = input;
        return deep === undefined || deep === 'keep'
          ? warmed(['unet', latent.shape], () => predictNoise(pool.get('unet'), config.unet, input, factors))
          : predictFromDeep(pool.get('outerUnet'), config.unet, { ...input, deep }, factors);
      };
      return predictInParts(predict, whole, options.rows?.() ?? whole.timestep.length);
    },
    encodeImage: async (pixels) => {
      const session = await pool.get('vaeEncoder');
      const tiles = { tile: options.vaeTile(), overlap: VAE_OVERLAP, scale: 1 / 8 };
      const moments = await runTiled(pixels, tiles, (image) =>
        runOne(session, { image: toOrt(image) }, 'moments'),
      );
      return scaled(posteriorMean(moments), scalingFactor);
    },
    decodeLatent: async (latent) => {
      const session = await pool.get('vaeDecoder');
      const tiles = { tile: options.vaeTile() / 8, overlap: VAE_OVERLAP / 8, scale: 8 };
      const unscaled = scaled(latent, 1 / scalingFactor);
      return runTiled(unscaled, tiles, (part) => runOne(session, { latent: toOrt(part) }, 'image'));
    },
    release: async () => {
      await resident.release();
      await pool.releaseAll();
    },
  };
}

/** Runs what it is given, and tells of the first run under each key. The CPU compiles nothing. */
function warmUps({
  session,
  onCompile,
}: NetworkOptions): <T>(key: unknown, run: () => Promise<T>) => Promise<T> {
  const known = new Set<string>();
  return async (key, run) => {
    const name = JSON.stringify(key);
    if (session.device === 'cpu' || known.has(name)) return run();
    const done = onCompile?.();
    try {
      return await run();
    } finally {
      known.add(name);
      done?.();
    }
  };
}

interface SessionPool {
  get(name: NetworkName): Promise<InferenceSession>;
  releaseAll(): Promise<void>;
}

function sessionPool(graphs: CheckpointGraphs, options: NetworkOptions): SessionPool {
  const sessions = new Map<NetworkName, InferenceSession>();
  const releaseAll = async (): Promise<void> => {
    for (const session of sessions.values()) await session.release();
    sessions.clear();
  };
  const get = async (name: NetworkName): Promise<InferenceSession> => {
    const known = sessions.get(name);
    if (known) return known;
    // The halves of one U-Net take turns at every step.
    if (options.oneAtATime && !(isUnet(name) && sessions.keys().every(isUnet))) await releaseAll();
    const start = performance.now();
    const session = await createSession(graphNamed(graphs, name), sessionOf(name, options.session));
    options.onLoad?.(name, (performance.now() - start) / 1000);
    sessions.set(name, session);
    return session;
  };
  return { get, releaseAll };
}

/** Graphs for a GPU hold standard operators only: the CPU runs them too. */
function sessionOf(name: NetworkName, session: SessionOptions): SessionOptions {
  return session.textOnCpu && name.startsWith('textEncoder') ? { ...session, device: 'cpu' } : session;
}

function isUnet(name: NetworkName): boolean {
  return name === 'unet' || name === 'outerUnet';
}

function graphNamed(graphs: CheckpointGraphs, name: NetworkName): Graph {
  switch (name) {
    case 'unet':
      return graphs.unet();
    case 'outerUnet':
      return graphs.outerUnet();
    case 'vaeEncoder':
      return graphs.vaeEncoder();
    case 'vaeDecoder':
      return graphs.vaeDecoder();
    default:
      return graphs.textEncoder(Number(name.split('.')[1]));
  }
}

/** Moments [B, 2C, h, w] → mean [B, C, h, w]. */
function posteriorMean(moments: Tensor): Tensor {
  const [batch, channels, height, width] = nchw(moments);
  const item = (channels / 2) * height * width;
  const mean = new Float32Array(batch * item);
  for (let b = 0; b < batch; b++) mean.set(moments.data.subarray(2 * b * item, (2 * b + 1) * item), b * item);
  return tensor(mean, [batch, channels / 2, height, width]);
}

function scaled(x: Tensor, factor: number): Tensor {
  return { data: x.data.map((value) => value * factor), shape: x.shape };
}
