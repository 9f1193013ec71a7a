/** The starter painted with shortcuts and without: how much work was done, and how near the pictures are. */
import { join } from 'node:path';
import { STARTER_FOLDER } from '../../main/cli/starter.ts';
import { createLoraStore } from '../../main/engine/conditions/loras.ts';
import { createNetworks, type Networks } from '../../main/engine/networks/networks.ts';
import { DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import { type OpenedCheckpoint, openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import { fromTensor } from '../../main/images/pixels.ts';
import { type GenerationInputs, generateLatent } from '../../main/pipeline/generate.ts';
import type { NoisePredictionInput } from '../../main/pipeline/model.ts';
import { flopsOf } from '../../native-models/graph/flops.ts';
import { input, type Value } from '../../native-models/graph/value.ts';
import { rootScope } from '../../native-models/layers/scope.ts';
import type { UnetConfig } from '../../native-models/models/configs.ts';
import { recordingSource } from '../../native-models/models/parameters.ts';
import { deepFeature, outerUnet, unet } from '../../native-models/models/unet.ts';
import { type GenerationRequest, generationRequestSchema } from '../../preload/request.ts';

const STARTER = join(STARTER_FOLDER, 'little-world.safetensors');

/** Prompts of the little world in combinations it was not trained on. */
export const PROMPTS = [
  'a red boat on the sea at sunset',
  'a yellow house on the hills at night',
  'a green cactus in the desert by day',
  'a white rocket over the snow at dawn',
  'a purple car in the city, overcast',
  'a blue balloon over the lavender at sunset',
];

/** Those and 18 more, for what shows on one picture in twenty only. */
export const MANY_PROMPTS = [
  ...PROMPTS,
  'a yellow boat on the sea by day',
  'a purple cactus among the lavender at night',
  'an orange rocket in the city under an overcast sky',
  'a blue house in the snow at sunset',
  'a red car in the desert at dawn',
  'a green mushroom on the hills at sunset',
  'a white tree on the hills at dawn',
  'a yellow balloon on the sea by day',
  'a purple house among the lavender at night',
  'an orange car in the city under an overcast sky',
  'a blue mushroom in the snow at night',
  'a red tree in the desert under an overcast sky',
  'a green balloon in the desert at sunset',
  'a white boat on the hills at dawn',
  'a yellow cactus on the sea by day',
  'a purple rocket among the lavender at dawn',
  'an orange tree in the city by day',
  'a blue balloon in the snow at night',
];

/** 20 steps as the card of the starter recommends; seeds differ by prompt. */
export function starterRequest(
  prompt: string,
  changes: Readonly<Record<string, unknown>> = {},
): GenerationRequest {
  return generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'little-world', path: STARTER },
    prompt,
    width: 128,
    height: 128,
    guidanceScale: 4,
    seed: String(100 + prompt.length),
    ...changes,
  });
}

export const starterCheckpoint = (): OpenedCheckpoint => openCheckpoint(STARTER, { flavour: 'cpu' });

export interface Painted {
  /** RGB bytes of every picture. */
  readonly pixels: readonly Uint8Array[];
  /** Rows that went through the whole U-Net, and rows that went through its outer blocks. */
  readonly whole: number;
  readonly outer: number;
  /** Rows of `whole` that went alone: of the positive prompt, without the negative one. */
  readonly single: number;
}

export interface StarterRuns {
  readonly opened: OpenedCheckpoint;
  paint(request: GenerationRequest, inputs?: GenerationInputs): Promise<Painted>;
  release(): Promise<void>;
}

/** The starter as it is, or `opened`: the starter with other weights; `prepack` where those are packed. */
export function openStarter(threads = 1, opened = starterCheckpoint(), prepack = false): StarterRuns {
  const lora = createLoraStore().choose(opened.config, []).feeds;
  const networks = createNetworks(
    opened.graphs,
    {
      session: { ...DEFAULT_SESSION, threads, prepack },
      oneAtATime: false,
      vaeTile: () => Number.MAX_SAFE_INTEGER,
    },
    lora,
  );
  return {
    opened,
    paint: (request, inputs = {}) => paint(networks, request, inputs),
    release: networks.release,
  };
}

async function paint(
  networks: Networks,
  request: GenerationRequest,
  inputs: GenerationInputs,
): Promise<Painted> {
  const rows = { whole: 0, outer: 0, single: 0 };
  const counting = (evaluation: NoisePredictionInput) => {
    const count = evaluation.latent.shape[0]!;
    const isWhole = typeof evaluation.deep !== 'object';
    rows[isWhole ? 'whole' : 'outer'] += count;
    if (isWhole && count === request.batch) rows.single += count;
    return networks.predictNoise(evaluation);
  };
  const { latent } = await generateLatent({ ...networks, predictNoise: counting }, request, inputs);
  const images = fromTensor(await networks.decodeLatent(latent), 'signed');
  return { pixels: images.map(({ data }) => data), ...rows };
}

/** Peak signal to noise ratio of bytes, in dB; infinite where they are equal. */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return 10 * Math.log10((255 ** 2 * a.length) / squares);
}

/** What the outer blocks cost of the whole U-Net, by their multiplications, at latents `side` wide. */
export function outerShare(config: UnetConfig, side: number): number {
  const scope = rootScope(recordingSource(new Map()), { flavour: 'cpu' });
  const float = (name: string, ...shape: number[]): Value => input(name, 'float32', shape);
  const inputs = {
    latent: float('latent', 1, config.inChannels, side, side),
    timestep: float('timestep', 1),
    context: float('context', 1, 77, config.contextDim),
  };
  const deep = float('deep', 1, deepFeature(config).channels, side, side);
  return flopsOf([outerUnet(scope, config, inputs, deep)]) / flopsOf([unet(scope, config, inputs)]);
}

/** The work of `run` as a share of that of `exact`. */
export function workShare(run: Painted, exact: Painted, outer: number): number {
  return (run.whole + outer * run.outer) / exact.whole;
}
