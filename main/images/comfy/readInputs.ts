/** What a sampler of a foreign graph works with: checkpoint, LoRAs, VAE, prompts and ControlNets. */
import { fieldsOf, modelName, numberFrom, textFrom } from '../recall/recall.ts';
import type { LooseGraph, LooseNode } from './graph.ts';
import { nodeBehind, partBehind, plainValue, reach } from './walk.ts';

/** Each is walked from, so a hostile graph must not choose their number. */
const MAX_PROMPTS = 16;
const MAX_CONTROLS = 16;

export interface NamedFile {
  readonly name: string;
  /** Known in our own graphs only. */
  readonly sha256: string | undefined;
}

export interface GraphModels {
  readonly checkpoint: NamedFile | undefined;
  readonly vae: NamedFile | undefined;
  readonly loras: readonly (NamedFile & { readonly unetWeight: number; readonly textWeight: number })[];
}

export interface GraphControl {
  readonly name: string;
  /** In our own graphs only. */
  readonly image: { readonly sha256: string } | undefined;
  readonly imageName: string;
  readonly weight: number;
  readonly startFraction: number;
  readonly endFraction: number;
  readonly preprocessor: unknown;
  readonly options: unknown;
  readonly priority: unknown;
}

export interface Conditioning {
  readonly texts: readonly string[];
  readonly clipSkip: number | undefined;
  readonly emphasis: unknown;
  readonly controls: readonly GraphControl[];
  /** Names in `embedding:name` of the prompts. */
  readonly embeddings: readonly string[];
}

/** The chain behind the sampler's model, LoRAs in the order they are applied, and a VAE that has a loader of its own. */
export function modelsOf(graph: LooseGraph, sampler: LooseNode): GraphModels {
  const start = partBehind(graph, sampler, 'model');
  const chain = start ? reach(graph, [start], (name) => name === 'model') : [];
  const loader = [...chain, ...graph.values()].find(({ inputs }) => checkpointFile(inputs) !== undefined);
  const vaeLoader = [...graph.values()].find(({ inputs }) => typeof inputs['vae_name'] === 'string');
  return {
    checkpoint: loader && namedFile(checkpointFile(loader.inputs)!, loader),
    vae: vaeLoader && namedFile(String(vaeLoader.inputs['vae_name']), vaeLoader),
    loras: chain.toReversed().flatMap(lorasOf),
  };
}

/** Prompts and ControlNets behind the sampler's `side`. */
export function conditioningOf(
  graph: LooseGraph,
  sampler: LooseNode,
  side: 'positive' | 'negative',
): Conditioning {
  const start = partBehind(graph, sampler, side) ?? partBehind(graph, sampler, 'conditioning');
  const isText = ({ inputs }: LooseNode) => promptInput(inputs) !== undefined;
  const nodes = start ? reach(graph, [start], (name) => name === side || /^cond/i.test(name), isText) : [];
  const written = nodes.filter(isText).slice(0, MAX_PROMPTS);
  const texts = written
    .map(({ inputs }) => plainValue(graph, promptInput(inputs), ['text', 'string', side]))
    .filter((text) => typeof text === 'string');
  const clips = written.flatMap((node) => reach(graph, [node], (name) => name === 'clip'));
  const layer = clips
    .map(({ inputs }) => numberFrom(inputs['stop_at_clip_layer']))
    .find((value) => value !== undefined);
  return {
    texts,
    clipSkip: layer === undefined ? undefined : Math.abs(layer),
    emphasis: written[0]?.emulsion['emphasis'],
    controls: nodes
      .filter(({ inputs }) => 'control_net' in inputs)
      .slice(0, MAX_CONTROLS)
      .toReversed()
      .flatMap((node) => controlOf(graph, node)),
    embeddings: texts.flatMap((text) =>
      [...text.matchAll(/embedding:([^\s,():]+)/g)].map(([, name]) => modelName(name!)),
    ),
  };
}

function checkpointFile(inputs: LooseNode['inputs']): string | undefined {
  return textFrom(inputs['ckpt_name']) ?? textFrom(inputs['unet_name']);
}

/** SDXL's encoder takes a text for each of its two models; the first stands for both. */
function promptInput(inputs: LooseNode['inputs']): unknown {
  return inputs['text'] ?? inputs['text_g'] ?? inputs['prompt'];
}

function lorasOf(node: LooseNode): GraphModels['loras'] {
  const { inputs } = node;
  const file = textFrom(inputs['lora_name']);
  const listed = Object.values(inputs)
    .map(fieldsOf)
    .flatMap((entry) => {
      const name = entry['on'] === false ? undefined : textFrom(entry['lora']);
      return name && name !== 'None'
        ? [weighted(namedFile(name, node), entry['strength'], entry['strengthTwo'])]
        : [];
    });
  if (file === undefined || file === 'None') return listed;
  return [
    weighted(namedFile(file, node), inputs['strength_model'] ?? inputs['strength'], inputs['strength_clip']),
    ...listed,
  ];
}

function weighted(file: NamedFile, unet: unknown, text: unknown): GraphModels['loras'][number] {
  const unetWeight = numberFrom(unet) ?? 1;
  return { ...file, unetWeight, textWeight: numberFrom(text) ?? unetWeight };
}

function controlOf(graph: LooseGraph, { inputs, emulsion }: LooseNode): GraphControl[] {
  const loader = nodeBehind(graph, inputs['control_net']);
  const file =
    loader &&
    reach(graph, [loader])
      .map((node) => textFrom(node.inputs['control_net_name']))
      .find((name) => name !== undefined);
  const shown = nodeBehind(graph, inputs['image']);
  const pictures = shown ? reach(graph, [shown]) : [];
  const canny = pictures.find(({ class_type }) => class_type === 'Canny');
  const picture = pictures.find((node) => typeof node.inputs['image'] === 'string');
  if (file === undefined || !picture) return [];
  const sha256 = textFrom(picture.emulsion['sha256']);
  return [
    {
      name: modelName(file),
      image: sha256 === undefined ? undefined : { sha256 },
      imageName: String(picture.inputs['image']),
      weight: numberFrom(inputs['strength']) ?? 1,
      startFraction: numberFrom(inputs['start_percent']) ?? 0,
      endFraction: numberFrom(inputs['end_percent']) ?? 1,
      preprocessor: canny ? 'canny' : (emulsion['preprocessor'] ?? 'none'),
      options: canny ? cannyOptions(canny) : (emulsion['options'] ?? {}),
      priority: emulsion['priority'] ?? 'balanced',
    },
  ];
}

/** ComfyUI's thresholds are parts of 1, ours of 255. */
function cannyOptions({ inputs, emulsion }: LooseNode): Record<string, number> {
  const l2 = numberFrom(emulsion['l2']);
  return {
    low: Math.round((numberFrom(inputs['low_threshold']) ?? 0.4) * 255),
    high: Math.round((numberFrom(inputs['high_threshold']) ?? 0.8) * 255),
    ...(l2 !== undefined && { l2 }),
  };
}

function namedFile(file: string, node: LooseNode): NamedFile {
  return { name: modelName(file), sha256: textFrom(node.emulsion['sha256']) };
}
