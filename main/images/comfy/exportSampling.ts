/** The sampler nodes of an exported graph: first pass, and second pass with what enlarges its input. */

import type { GenerationRequest } from '../../../preload/request.ts';
import { SAMPLERS } from '../../pipeline/samplers/registry.ts';
import type { SamplerEntry } from '../../pipeline/samplers/sampler.ts';
import { diffusersStartStep, type StepRule } from '../../pipeline/sigmas/stepRules.ts';
import type { Wires } from './exportGraph.ts';
import type { ComfyLink } from './graph.ts';
import { type GraphBuilder, modelFile } from './graphBuilder.ts';

interface SamplerWires extends Wires {
  readonly latent: ComfyLink;
  readonly seed: bigint;
}

/** The latent the first pass makes. */
export function addSampler(graph: GraphBuilder, request: GenerationRequest, wires: SamplerWires): ComfyLink {
  const strength = request.kind === 'text-to-image' ? 1 : request.denoisingStrength;
  return sampler(graph, request, wires, request.steps, strength);
}

/** The latent after the second pass, or `latent` itself where there is none. */
export function addSecondPass(
  graph: GraphBuilder,
  request: GenerationRequest,
  wires: Wires,
  latent: ComfyLink,
  seed: bigint,
): ComfyLink {
  const { secondPass } = request;
  if (!secondPass) return latent;
  const size = finalSize(request);
  const enlarged =
    secondPass.upscaler === 'latent'
      ? graph.add('LatentUpscale', {
          upscale_method: 'bilinear',
          ...size,
          crop: 'disabled',
          samples: latent,
        })(0)
      : enlargedPixels(graph, modelFile(secondPass.upscaler), size, wires.vae, latent);
  const steps = secondPass.steps ?? request.steps;
  return sampler(graph, request, { ...wires, latent: enlarged, seed }, steps, secondPass.denoisingStrength);
}

/** Size of the finished picture: multiples of 8. */
export function finalSize({ width, height, secondPass }: GenerationRequest): {
  width: number;
  height: number;
} {
  const scaled = (side: number) => Math.round((side * (secondPass?.scale ?? 1)) / 8) * 8;
  return { width: scaled(width), height: scaled(height) };
}

function enlargedPixels(
  graph: GraphBuilder,
  model: string,
  size: { width: number; height: number },
  vae: ComfyLink,
  latent: ComfyLink,
): ComfyLink {
  const decoded = graph.add('VAEDecode', { samples: latent, vae })(0);
  const upscaler = graph.add('UpscaleModelLoader', { model_name: model })(0);
  const upscaled = graph.add('ImageUpscaleWithModel', { upscale_model: upscaler, image: decoded })(0);
  const scaled = graph.add('ImageScale', {
    upscale_method: 'lanczos',
    ...size,
    crop: 'disabled',
    image: upscaled,
  })(0);
  return graph.add('VAEEncode', { pixels: scaled, vae })(0);
}

/** KSampler shortens by ComfyUI's rule; the other rules are the same steps from a later one on, which KSamplerAdvanced runs. */
function sampler(
  graph: GraphBuilder,
  request: GenerationRequest,
  { model, positive, negative, latent, seed }: SamplerWires,
  steps: number,
  strength: number,
): ComfyLink {
  const rule: StepRule = request.kind === 'text-to-image' ? 'diffusers' : request.stepRule;
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
    stepRule:
      keepsSmallestSigma && request.kind !== 'text-to-image' && rule === 'diffusers' ? rule : undefined,
    rng: request.rng === 'cpu' ? undefined : request.rng,
    speed: request.speed === 'exact' ? undefined : request.speed,
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
