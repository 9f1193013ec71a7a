/** LoRA files kept ready in memory, and their factors as inputs of the text encoders and the U-Net. */
import { basename } from 'node:path';
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { loraInputs } from '../../../native-models/lora/adapter.ts';
import { type BoundLora, bindLora, type LivePair } from '../../../native-models/lora/bind.ts';
import { type Factors, readFactors, stackFactors } from '../../../native-models/lora/factors.ts';
import { type LoraNetwork, type LoraSites, loraSites, type Site } from '../../../native-models/lora/sites.ts';
import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import { openWeights } from '../../../native-models/weights/open.ts';
import type { DeviceName } from '../border/protocol.ts';
import type { LoraFeeds } from '../networks/networks.ts';
import type { Feeds } from '../runtime/tensors.ts';
import type { WeightedMerge } from '../weights/overlay.ts';
import { stampOf } from '../weights/stamp.ts';

/** A LoRA of a request, found. */
export interface LoraChoice {
  readonly path: string;
  readonly unetWeight: number;
  readonly textWeight: number;
}

/** The LoRAs of a request, ready to run. */
export interface LoraSet {
  /** An input for every linear layer (and, if `spatial`, every convolution), of rank 0 where no LoRA attaches. */
  readonly feeds: LoraFeeds;
  /** Whether some LoRA changes convolutions: the U-Net then needs inputs beside those too. */
  readonly spatial: boolean;
  /** What must be merged into the weights before sessions open; see weights/overlay.ts. */
  readonly merges: readonly WeightedMerge[];
  /** "name: applied 192 of 192 tensors", one per LoRA. */
  readonly notes: readonly string[];
}

/** LoRA files, kept while they are of use. */
export interface LoraStore {
  /** Throws WeightsError when a file is no LoRA or was made for another base. */
  choose(config: CheckpointConfig, choices: readonly LoraChoice[], device?: DeviceName): LoraSet;
}

/** Factors kept for LoRAs that are not in use at the moment, as float32. */
const IDLE_BYTES = 2 ** 30;

interface LoadedLora {
  readonly bound: BoundLora;
  readonly factors: ReadonlyMap<Site, Factors>;
  readonly bytes: number;
}

/** Keeps what it has read, so that switching back and forth reads nothing. */
export function createLoraStore(): LoraStore {
  const loaded = new Map<string, LoadedLora>();
  let known: { key: string; sites: LoraSites } | undefined;

  const sitesOf = (config: CheckpointConfig): LoraSites => {
    const key = JSON.stringify([config.unet, config.textEncoders]);
    if (known?.key === key) return known.sites;
    loaded.clear(); // bound to the sites of another model
    known = { key, sites: loraSites(config) };
    return known.sites;
  };
  const load = (path: string, sites: LoraSites, config: CheckpointConfig): LoadedLora => {
    const key = stampOf(path);
    const lora = loaded.get(key) ?? loadLora(bindLora(openWeights(path), sites, config.architecture));
    loaded.delete(key);
    loaded.set(key, lora); // the newest stands last
    return lora;
  };
  const choose: LoraStore['choose'] = (config, choices, device = 'cpu') => {
    const sites = sitesOf(config);
    const uses = choices.map((choice) => ({ ...choice, lora: load(choice.path, sites, config) }));
    dropIdle(loaded, new Set(uses.map(({ lora }) => lora)));
    return loraSet(sites, config, uses, device);
  };
  return { choose };
}

function loadLora(bound: BoundLora): LoadedLora {
  const factors = new Map(bound.live.map((pair): [Site, Factors] => [pair.site, readFactors(pair)]));
  const bytes = factors.values().reduce((sum, { down, up }) => sum + down.byteLength + up.byteLength, 0);
  return { bound, factors, bytes };
}

function dropIdle(loaded: Map<string, LoadedLora>, inUse: ReadonlySet<LoadedLora>): void {
  const idle = [...loaded].filter(([, lora]) => !inUse.has(lora));
  let bytes = idle.reduce((sum, [, lora]) => sum + lora.bytes, 0);
  for (const [key, lora] of idle) {
    if (bytes <= IDLE_BYTES) return;
    loaded.delete(key);
    bytes -= lora.bytes;
  }
}

type LoraInUse = LoraChoice & { readonly lora: LoadedLora };

function loraSet(
  sites: LoraSites,
  config: CheckpointConfig,
  uses: readonly LoraInUse[],
  device: DeviceName,
): LoraSet {
  const spatial = uses.some(({ lora }) => lora.bound.live.some(isSpatial));
  const targets = [...new Set(sites.values())].filter(
    ({ path, shape }) =>
      (shape.length === 2 && !path.startsWith('embeddings.')) || (spatial && shape.length === 4),
  );
  const feedsFor = (network: LoraNetwork): Feeds =>
    feedsOf(
      targets.filter((site) => site.network === network),
      uses,
      device === 'cpu',
    );
  const unet = feedsFor('unet');
  const textEncoders = config.textEncoders.map((_, index) => feedsFor(`textEncoder.${index}`));
  return {
    feeds: { unet: () => unet, textEncoder: (index) => textEncoders[index]! },
    spatial,
    merges: uses.flatMap((use) =>
      use.lora.bound.merged
        .map((module) => ({ module, weight: weightFor(use, module.site.network) }))
        .filter(({ weight }) => weight !== 0),
    ),
    notes: uses.map(noteOf),
  };
}

function isSpatial({ site }: LivePair): boolean {
  return site.shape.length === 4;
}

function feedsOf(targets: readonly Site[], uses: readonly LoraInUse[], emptyAxes: boolean): Feeds {
  const feeds: Record<string, OrtTensor> = {};
  for (const site of targets) {
    const parts = uses.flatMap((use) => {
      const factors = use.lora.factors.get(site);
      const weight = weightFor(use, site.network);
      return factors && weight !== 0 ? [{ factors, weight }] : [];
    });
    const { down, downShape, up, upShape, scale, scaleShape } = stackFactors(site.shape, parts, {
      emptyAxes,
    });
    const { downInput, upInput, scaleInput } = loraInputs(site.path);
    feeds[downInput] = new OrtTensor('float32', down, downShape);
    feeds[upInput] = new OrtTensor('float32', up, upShape);
    feeds[scaleInput] = new OrtTensor('float32', scale, scaleShape);
  }
  return feeds;
}

function weightFor({ unetWeight, textWeight }: LoraChoice, network: LoraNetwork): number {
  return network === 'unet' ? unetWeight : textWeight;
}

function noteOf({ lora: { bound } }: LoraInUse): string {
  const rest = bound.left.length === 0 ? '' : `; not for this model: ${shortList(bound.left)}`;
  return `${basename(bound.path)}: applied ${bound.applied} of ${bound.total} tensors${rest}`;
}

function shortList(names: readonly string[]): string {
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}
