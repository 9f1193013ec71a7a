/**
 * The settings in a ComfyUI API graph of any origin: from the saved picture back along the links to the samplers,
 * and from these to models, prompts and source picture. Nodes nobody knows are walked through.
 */
import { fromComfy } from '../recall/names.ts';
import { type Collector, collector, numberFrom, type Recall, seedFrom, textFrom } from '../recall/recall.ts';
import type { LooseGraph, LooseNode } from './graph.ts';
import { type Conditioning, conditioningOf, modelsOf } from './readInputs.ts';
import { isLatentInput, isSampler, takeLatent, takeSecondPass } from './readLatent.ts';
import { nodeBehind, reach, setting } from './walk.ts';

/** Each is walked through the whole graph, so a hostile graph must not choose their number. */
const MAX_OUTPUTS = 16;

/** Reads a graph; a graph without a sampler gives only what could be found. Never throws. */
export function recallComfyGraph(graph: LooseGraph): Recall {
  const collected = collector();
  const [last, first] = samplersOf(graph);
  const base = first ?? last;
  if (!base) {
    collected.problem('the ComfyUI graph has no sampler that could be recognised');
    return collected.finish('comfyui', 'text-to-image');
  }
  takeSampler(collected, graph, base);
  takeModels(collected, graph, base);
  takePrompts(collected, graph, base);
  const kind = takeLatent(collected, graph, base);
  if (first && last) takeSecondPass(collected, graph, last);
  return collected.finish('comfyui', kind);
}

/** The sampler nearest to the saved picture, and the one before it if the picture was sampled twice. */
function samplersOf(graph: LooseGraph): [last?: LooseNode, first?: LooseNode] {
  const last =
    outputsOf(graph)
      .map((node) => reach(graph, [node]).find(isSampler))
      .find((node) => node !== undefined) ?? [...graph.values()].find(isSampler);
  if (!last) return [];
  const source = nodeBehind(graph, last.inputs['latent_image']);
  const first = source && reach(graph, [source], isLatentInput).find(isSampler);
  return first ? [last, first] : [last];
}

/** Nodes that show or save pictures, the likeliest first. */
function outputsOf(graph: LooseGraph): LooseNode[] {
  const named = (wanted: RegExp) => [...graph.values()].filter(({ class_type }) => wanted.test(class_type));
  return [...named(/^SaveImage$/), ...named(/save/i), ...named(/preview|output/i)].slice(0, MAX_OUTPUTS);
}

function takeSampler(collected: Collector, graph: LooseGraph, node: LooseNode): void {
  const { take, problem } = collected;
  const value = (...keys: string[]) => setting(graph, node, keys);
  const sampler = textFrom(value('sampler_name'));
  const schedule = textFrom(value('scheduler'));
  const known = fromComfy(sampler, schedule);
  take('sampler', known.sampler);
  take('schedule', known.schedule);
  if (!known.sampler) problem(`sampler "${sampler ?? 'none'}" is not known here`);
  if (!known.schedule) problem(`schedule "${schedule ?? 'none'}" is not known here`);
  take('seed', seedFrom(value('seed', 'noise_seed')));
  take('steps', numberFrom(value('steps')));
  take('guidanceScale', numberFrom(value('cfg')));
  take('rng', node.emulsion['rng'] ?? 'cpu');
  take('speed', node.emulsion['speed']);
  take('shortcuts', node.emulsion['shortcuts']);
  take('batchSeeds', 'batch');
}

function takeModels({ take, model, problem }: Collector, graph: LooseGraph, sampler: LooseNode): void {
  const { checkpoint, vae, loras } = modelsOf(graph, sampler);
  if (checkpoint) {
    take('checkpoint', { name: checkpoint.name, sha256: checkpoint.sha256 });
    model({ role: 'checkpoint', name: checkpoint.name, ...hashOf(checkpoint.sha256) });
  }
  if (vae) {
    take('vae', { name: vae.name, sha256: vae.sha256 });
    model({ role: 'vae', name: vae.name, ...hashOf(vae.sha256) });
  }
  take(
    'loras',
    loras.map(({ name, sha256, unetWeight, textWeight }) => ({
      model: { name, sha256 },
      unetWeight,
      textWeight,
    })),
  );
  for (const { name, sha256 } of loras) model({ role: 'lora', name, ...hashOf(sha256) });
  if (!checkpoint) problem('the graph loads no checkpoint that could be recognised');
}

function takePrompts(collected: Collector, graph: LooseGraph, sampler: LooseNode): void {
  const { take, model, problem } = collected;
  const positive = conditioningOf(graph, sampler, 'positive');
  const negative = conditioningOf(graph, sampler, 'negative');
  take('prompt', positive.texts[0]);
  take('negativePrompt', negative.texts[0]);
  take('clipSkip', positive.clipSkip);
  take('emphasis', positive.emphasis ?? 'comfy');
  if (positive.texts.length > 1)
    problem(`the graph combines ${positive.texts.length} prompts; the first is taken`);
  takeControls(collected, positive);
  for (const name of positive.embeddings) model({ role: 'embedding', name });
}

/** Our own graphs name hint pictures by sha256; a foreign file name alone finds none. */
function takeControls({ take, model, problem }: Collector, { controls }: Conditioning): void {
  for (const { name, weight, image, imageName } of controls) {
    model({ role: 'control', name });
    if (!image) problem(`ControlNet "${name}" (weight ${weight}) needs its picture "${imageName}" again`);
  }
  const complete = controls.filter(({ image }) => image !== undefined);
  take(
    'controls',
    complete.map(({ name, imageName: _, options, ...control }) => ({
      ...control,
      model: { name },
      preprocessorOptions: options,
    })),
  );
}

function hashOf(sha256: string | undefined) {
  return sha256 === undefined ? {} : { hash: { kind: 'sha256' as const, value: sha256 } };
}
