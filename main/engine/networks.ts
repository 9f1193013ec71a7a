/** The networks of one checkpoint as sessions: implements the pipeline's port. Each is made when it is first needed. */
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Graph } from '../../native-models/graph/build.ts';
import type { CheckpointConfig } from '../../native-models/models/configs.ts';
import type { DiffusionModel, NoisePredictionInput, TextEncoding, TextInput } from '../pipeline/model.ts';
import { type Tensor, tensor } from '../pipeline/tensor.ts';
import { runTiled } from '../pipeline/tiles.ts';
import { createSession, type SessionOptions } from './sessions.ts';

/** Graphs of a checkpoint, built on demand. */
export interface CheckpointGraphs {
  readonly config: CheckpointConfig;
  textEncoder(): Graph;
  unet(): Graph;
  vaeEncoder(): Graph;
  vaeDecoder(): Graph;
}

export type NetworkName = 'textEncoder' | 'unet' | 'vaeEncoder' | 'vaeDecoder';

export interface NetworkOptions {
  readonly session: SessionOptions;
  /** Free the other networks before one runs: for little memory. */
  readonly oneAtATime: boolean;
  /** Largest picture side that the VAE takes in one piece, in pixels. */
  readonly vaeTile: number;
  readonly onLoad?: (network: NetworkName, seconds: number) => void;
}

/** Tensors given to every evaluation besides the port's own: LoRA matrices. */
export type ExtraFeeds = () => Readonly<Record<string, OrtTensor>>;

export interface Networks extends DiffusionModel {
  /** Frees every session. */
  release(): Promise<void>;
}

const VAE_OVERLAP = 64; // pixels; a GroupNorm over a smaller tile drifts in tone

/** Opens nothing yet. `extra` feeds the LoRA inputs of the text encoder and the U-Net. */
export function createNetworks(
  graphs: CheckpointGraphs,
  options: NetworkOptions,
  extra: Readonly<Record<'textEncoder' | 'unet', ExtraFeeds>>,
): Networks {
  const pool = sessionPool(graphs, options);
  const { config } = graphs;
  return {
    encodeText: async (input) =>
      encodeText(await pool.get('textEncoder'), config, input, extra.textEncoder()),
    predictNoise: async (input) => predictNoise(await pool.get('unet'), input, extra.unet()),
    control: () => Promise.reject(new Error('no ControlNet is loaded')),
    encodeImage: async (pixels) => {
      const session = await pool.get('vaeEncoder');
      const tiles = { tile: options.vaeTile, overlap: VAE_OVERLAP, scale: 1 / 8 };
      const moments = await runTiled(pixels, tiles, (tile) =>
        runOne(session, { image: feed(tile) }, 'moments'),
      );
      return scaled(posteriorMean(moments), config.vae.scalingFactor);
    },
    decodeLatent: async (latent) => {
      const session = await pool.get('vaeDecoder');
      const tiles = { tile: options.vaeTile / 8, overlap: VAE_OVERLAP / 8, scale: 8 };
      const unscaled = scaled(latent, 1 / config.vae.scalingFactor);
      return runTiled(unscaled, tiles, (tile) => runOne(session, { latent: feed(tile) }, 'image'));
    },
    release: pool.releaseAll,
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
    if (options.oneAtATime) await releaseAll();
    const start = performance.now();
    const session = await createSession(graphs[name](), options.session);
    options.onLoad?.(name, (performance.now() - start) / 1000);
    sessions.set(name, session);
    return session;
  };
  return { get, releaseAll };
}

async function encodeText(
  session: InferenceSession,
  config: CheckpointConfig,
  input: TextInput,
  extra: Readonly<Record<string, OrtTensor>>,
): Promise<TextEncoding> {
  const { vocabSize, contextLength, width } = config.textEncoders[0]!;
  const insertions = input.insertions ?? [];
  const ids = BigInt64Array.from(input.tokenIds, BigInt);
  const rows = new Float32Array(Math.max(1, insertions.length) * width);
  insertions.forEach(({ chunk, position, vector }, row) => {
    ids[chunk * contextLength + position] = BigInt(vocabSize + row);
    rows.set(vector, row * width);
  });
  const feeds = {
    tokenIds: new OrtTensor('int64', ids, [ids.length / contextLength, contextLength]),
    extraEmbeddings: new OrtTensor('float32', rows, [rows.length / width, width]),
    ...extra,
  };
  const embedding = `embedding.${input.clipSkip}`;
  const outputs = await session.run(feeds, [embedding, 'pooled']);
  return { embedding: fromOrt(outputs[embedding]), pooled: fromOrt(outputs['pooled']) };
}

function predictNoise(
  session: InferenceSession,
  input: NoisePredictionInput,
  extra: Readonly<Record<string, OrtTensor>>,
): Promise<Tensor> {
  const feeds: Record<string, OrtTensor> = {
    latent: feed(input.latent),
    timestep: new OrtTensor('float32', input.timestep, [input.timestep.length]),
    context: feed(input.context),
    ...(input.y && { y: feed(input.y) }),
    ...extra,
  };
  return runOne(session, feeds, 'noise');
}

async function runOne(
  session: InferenceSession,
  feeds: Readonly<Record<string, OrtTensor>>,
  output: string,
): Promise<Tensor> {
  const outputs = await session.run(feeds, [output]);
  return fromOrt(outputs[output]);
}

/** Moments [B, 2C, h, w] → mean [B, C, h, w]. */
function posteriorMean(moments: Tensor): Tensor {
  const [batch, channels, height, width] = moments.shape as [number, number, number, number];
  const item = (channels / 2) * height * width;
  const mean = new Float32Array(batch * item);
  for (let b = 0; b < batch; b++) mean.set(moments.data.subarray(2 * b * item, (2 * b + 1) * item), b * item);
  return tensor(mean, [batch, channels / 2, height, width]);
}

function scaled(x: Tensor, factor: number): Tensor {
  return { data: x.data.map((value) => value * factor), shape: x.shape };
}

function feed(x: Tensor): OrtTensor {
  return new OrtTensor('float32', x.data, x.shape);
}

function fromOrt(value: OrtTensor | undefined): Tensor {
  if (!(value?.data instanceof Float32Array)) throw new Error('the session gave no float32 output');
  return { data: value.data as Float32Array<ArrayBuffer>, shape: value.dims };
}
