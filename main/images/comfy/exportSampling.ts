/** The sampler nodes of an exported graph: first pass, and second pass with what enlarges its input. */

import type { GenerationRequest } from '../../../preload/request.ts';
import { takenShortcuts } from '../../../preload/shortcuts.ts';
import { SAMPLERS } from '../../pipeline/samplers/registry.ts';
import type { SamplerEntry } from '../../pipeline/samplers/sampler.ts';
import { diffusersStartStep, type StepRule } from '../../pipeline/sigmas/stepRules.ts';
import type { ComfyGraphOptions, Size, Wires } from './exportGraph.ts';
import { type FirstLatent, scaled } from './exportImages.ts';
import type { ComfyLink } from './graph.ts';
import { type GraphBuilder, modelFile } from './graphBuilder.ts';

interface SamplerWires extends Wires {
  readonly latent: ComfyLink;
  readonly seed: bigint;
}

interface Walk {
  readonly steps: number;
  readonly strength: number;
  readonly rule: StepRule;
}

/** The latent the first pass makes. */
export function addSampler(graph: GraphBuilder, request: GenerationRequest, wires: SamplerWires): ComfyLink {
  const { steps, stepRule: rule } = request;
  const strength = request.kind === 'text-to-image' ? 1 : request.denoisingStrength;
  return sampler(graph, request, wires, { steps, strength, rule });
}

type FirstPass = FirstLatent & { readonly seed: bigint };

/** The latent after the second pass, or the first one's where there is none. */
export function addSecondPass(
  graph: GraphBuilder,
  request: GenerationRequest,
  wires: Wires,
  first: FirstPass,
  options: ComfyGraphOptions,
): ComfyLink {
  const { secondPass } = request;
  if (!secondPass) return first.latent;
  const size = finalSize(request);
  const enlarged =
    secondPass.upscaler === 'latent'
      ? graph.add('LatentUpscale', {
          upscale_method: 'bilinear',
          ...size,
          crop: 'disabled',
          samples: first.latent,
        })(0)
      : enlargedPixels(graph, modelFile(secondPass.upscaler), size, wires.vae, first);
  const conditioned = conditionedAgain(graph, request, wires, first, options);
  return sampler(
    graph,
    request,
    { ...wires, ...conditioned, latent: enlarged, seed: first.seed },
    {
      steps: secondPass.steps ?? request.steps,
      strength: secondPass.denoisingStrength,
      rule: request.kind === 'text-to-image' ? 'diffusers' : request.stepRule,
    },
  );
}

/** Hints, and what an inpaint model reads, are as large as the picture: the second pass has its own. */
function conditionedAgain(
  graph: GraphBuilder,
  request: GenerationRequest,
  { conditionedAt, vae }: Wires,
  { part, mask }: FirstPass,
  { inpaintModel }: ComfyGraphOptions,
): Pick<Wires, 'positive' | 'negative'> {
  const size = finalSize(request);
  const [positive, negative] = conditionedAt(size);
  if (!inpaintModel || !part || !mask) return { positive, negative };
  const pixels = scaled(graph, part, size.width, size.height);
  const inputs = { positive, negative, vae, pixels, mask, noise_mask: true };
  const conditioned = graph.add('InpaintModelConditioning', inputs);
  return { positive: conditioned(0), negative: conditioned(1) };
}

/** Size of the finished picture: multiples of 8. */
export function finalSize({ width, height, secondPass }: GenerationRequest): {
  width: number;
  height: number;
} {
  const larger = (side: number) => Math.round((side * (secondPass?.scale ?? 1)) / 8) * 8;
  return { width: larger(width), height: larger(height) };
}

function enlargedPixels(
  graph: GraphBuilder,
  model: string,
  size: Size,
  vae: ComfyLink,
  { latent, mask }: FirstPass,
): ComfyLink {
  const decoded = graph.add('VAEDecode', { samples: latent, vae })(0);
  const upscaler = graph.add('UpscaleModelLoader', { model_name: model })(0);
  const upscaled = graph.add('ImageUpscaleWithModel', { upscale_model: upscaler, image: decoded })(0);
  const pixels = scaled(graph, upscaled, size.width, size.height);
  const encoded = graph.add('VAEEncode', { pixels, vae })(0);
  // Through pixels the latent loses its mask.
  return mask ? graph.add('SetLatentNoiseMask', { samples: encoded, mask })(0) : encoded;
}

/** KSampler shortens by ComfyUI's rule; the other rules are the same steps from a later one on, which KSamplerAdvanced runs. */
function sampler(
  graph: GraphBuilder,
  request: GenerationRequest,
  { model, positive, negative, latent, seed }: SamplerWires,
  { steps, strength, rule }: Walk,
): ComfyLink {
  const shared = {
    steps,
    cfg: request.guidanceScale,
    sampler_name: request.sampler,
    scheduler: request.schedule,
    model,
    positive,
    negative,
    latent_image: latent,
  };
  const { keepsSmallestSigma }: SamplerEntry = SAMPLERS[request.sampler];
  const emulsion = {
    stepRule: keepsSmallestSigma && rule === 'diffusers' ? rule : undefined,
    rng: request.rng === 'cpu' ? undefined : request.rng,
    speed: request.speed === 'exact' ? undefined : request.speed,
    shortcuts: takenShortcuts(request),
  };
  if (rule === 'comfy' || strength >= 1) {
    return graph.add('KSampler', { seed, denoise: strength, ...shared }, emulsion)(0);
  }
  const inputs = {
    add_noise: 'enable',
    noise_seed: seed,
    start_at_step: startStep(rule, steps, strength),
    end_at_step: 10000,
    return_with_leftover_noise: 'disable',
    ...shared,
  };
  return graph.add('KSamplerAdvanced', inputs, emulsion)(0);
}

function startStep(rule: Exclude<StepRule, 'comfy'>, steps: number, strength: number): number {
  if (rule === 'diffusers') return diffusersStartStep(steps, strength);
  return strength <= 0 ? steps : steps - Math.trunc(strength * steps) - 1;
}
