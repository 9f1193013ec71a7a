/**
 * A request as ComfyUI's API graph: loaders, conditioning, latent, sampler, second pass, decoding, in the order the picture is made.
 * What ComfyUI's own nodes cannot say stands in `_meta.emulsion` of the node it concerns.
 */

import type { ControlUse, GenerationRequest, LoraUse } from '../../../preload/request.ts';
import { extractLoraTags } from '../../pipeline/text/prompt/loraTags.ts';
import type { Region } from '../compose.ts';
import { pictureSeed } from '../recall/infotextWrite.ts';
import { addFirstLatent, addPasteBack, cutOut, scaled } from './exportImages.ts';
import { addSampler, addSecondPass } from './exportSampling.ts';
import type { ComfyGraph, ComfyLink } from './graph.ts';
import { type GraphBuilder, graphBuilder, imageFile, modelFile } from './graphBuilder.ts';

export interface ComfyGraphOptions {
  /** Position in the batch of the picture the graph is for; where seeds increment, the graph makes that picture alone. */
  readonly batchIndex?: number;
  /** The checkpoint is a 9-channel inpaint model. */
  readonly inpaintModel?: boolean;
  /** The "only masked" area that was cut out (maskedArea); without it such a request is exported as whole picture. */
  readonly region?: Region;
}

/** What the later parts of the graph are wired to. */
export interface Wires {
  readonly model: ComfyLink;
  readonly vae: ComfyLink;
  readonly positive: ComfyLink;
  readonly negative: ComfyLink;
  /** The two prompts under the ControlNets, with hints for pictures of `size`. */
  readonly conditionedAt: (size: Size) => Pair;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

type Pair = readonly [positive: ComfyLink, negative: ComfyLink];

/** The graph that makes the request's picture in ComfyUI. Running it there draws the same noise where `rng` is `cpu`. */
export function comfyGraph(request: GenerationRequest, options: ComfyGraphOptions = {}): ComfyGraph {
  const graph = graphBuilder();
  const wires = addConditioning(graph, request, options);
  const first = addFirstLatent(graph, request, wires, options);
  const seed = BigInt(pictureSeed(request, options.batchIndex ?? 0));
  const sampled = addSampler(graph, request, { ...wires, ...first, seed });
  const latent = addSecondPass(graph, request, wires, { ...first, latent: sampled, seed }, options);
  const decoded = graph.add('VAEDecode', { samples: latent, vae: wires.vae });
  const image = addPasteBack(graph, request, decoded(0), first, options);
  graph.add('SaveImage', { images: image, filename_prefix: 'Emulsion' });
  return graph.finish();
}

function addConditioning(graph: GraphBuilder, request: GenerationRequest, options: ComfyGraphOptions): Wires {
  const { prompt, loras } = extractLoraTags(request.prompt);
  const negative = extractLoraTags(request.negativePrompt).prompt;
  const { checkpoint, vae } = request;
  const loader = graph.add(
    'CheckpointLoaderSimple',
    { ckpt_name: modelFile(checkpoint) },
    { sha256: checkpoint.sha256 },
  );
  const tagged = loras.map(({ name, textWeight, unetWeight }) => ({
    model: { name },
    textWeight,
    unetWeight,
  }));
  const [model, loraClip] = addLoras(graph, [...request.loras, ...tagged], loader(0), loader(1));
  const clip =
    request.clipSkip > 1
      ? graph.add('CLIPSetLastLayer', { stop_at_clip_layer: -request.clipSkip, clip: loraClip })(0)
      : loraClip;
  const encode = (text: string, title: string) =>
    graph.add('CLIPTextEncode', { text, clip }, promptRemarks(request), title)(0);
  const prompts = [encode(prompt, 'Prompt'), encode(negative, 'Negative prompt')] as const;
  const conditionedAt = (size: Size): Pair =>
    request.controls.reduce<Pair>(
      (pair, control) => addControl(graph, control, pair, size, cutOut(request, options.region)),
      prompts,
    );
  const [positive, negativeOut] = conditionedAt(request);
  return {
    model,
    conditionedAt,
    vae: vae ? graph.add('VAELoader', { vae_name: modelFile(vae) }, { sha256: vae.sha256 })(0) : loader(2),
    positive,
    negative: negativeOut,
  };
}

/** ComfyUI's prompts name embeddings as such; A1111's do not. */
function promptRemarks({ emphasis, embeddings }: GenerationRequest) {
  if (emphasis === 'comfy') return {};
  return { emphasis, embeddings: embeddings.length === 0 ? undefined : embeddings.map(({ name }) => name) };
}

function addLoras(
  graph: GraphBuilder,
  loras: readonly LoraUse[],
  model: ComfyLink,
  clip: ComfyLink,
): readonly [model: ComfyLink, clip: ComfyLink] {
  return loras.reduce<readonly [ComfyLink, ComfyLink]>(
    ([fromModel, fromClip], lora) => {
      const inputs = {
        lora_name: modelFile(lora.model),
        strength_model: lora.unetWeight,
        strength_clip: lora.textWeight,
        model: fromModel,
        clip: fromClip,
      };
      const loader = graph.add('LoraLoader', inputs, { sha256: lora.model.sha256 });
      return [loader(0), loader(1)];
    },
    [model, clip],
  );
}

/** The ControlNet on both prompts. */
function addControl(
  graph: GraphBuilder,
  control: ControlUse,
  [positive, negative]: Pair,
  size: Size,
  cut: ReturnType<typeof cutOut>,
): Pair {
  const { model, preprocessor, preprocessorOptions: options } = control;
  const image = addHint(graph, control, size, cut);
  const inputs = {
    strength: control.weight,
    start_percent: control.startFraction,
    end_percent: control.endFraction,
    positive,
    negative,
    control_net: graph.add(
      'ControlNetLoader',
      { control_net_name: modelFile(model) },
      { sha256: model.sha256 },
    )(0),
    image,
  };
  const named = preprocessor !== 'canny' && preprocessor !== 'none';
  const applied = graph.add('ControlNetApplyAdvanced', inputs, {
    preprocessor: named ? preprocessor : undefined,
    options: named && Object.keys(options).length > 0 ? options : undefined,
    priority: control.priority === 'balanced' ? undefined : control.priority,
  });
  return [applied(0), applied(1)];
}

/** Canny has a node of ComfyUI's own (thresholds 0–1 there); other preprocessors are named on the ControlNet's node. */
function addHint(
  graph: GraphBuilder,
  { image, preprocessor, preprocessorOptions: options }: ControlUse,
  { width, height }: Size,
  cut: ReturnType<typeof cutOut>,
): ComfyLink {
  const drawn = graph.add('LoadImage', { image: imageFile(image) }, { sha256: image.sha256 })(0);
  // What was drawn over the whole source is cut with it.
  const part = cut ? graph.add('ImageCrop', { ...cut, image: drawn })(0) : drawn;
  const picture = scaled(graph, part, width, height, cut ? 'disabled' : 'center');
  if (preprocessor !== 'canny') return picture;
  const thresholds = {
    low_threshold: (options['low'] ?? 100) / 255,
    high_threshold: (options['high'] ?? 200) / 255,
  };
  return graph.add('Canny', { ...thresholds, image: picture }, { l2: options['l2'] })(0);
}
