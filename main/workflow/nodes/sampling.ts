/** The samplers. */
import { z } from 'zod';
import {
  type SamplerName,
  SPEEDS,
  STEP_RULES,
  samplerSchema,
  scheduleSchema,
} from '../../../preload/request.ts';
import { SPEED_SHORTCUTS, shortcutsSchema } from '../../../preload/shortcuts.ts';
import { node } from '../parts/node.ts';
import { decimal, integer, seedSchema, socket } from '../parts/sockets.ts';
import { sample } from '../sampling/sample.ts';

/** ComfyUI's "_gpu" variants draw their noise on the graphics card; here all noise is the CPU's. */
const sampler_name = z.preprocess(
  (name) => (typeof name === 'string' ? name.replace(/_gpu$/, '') : name),
  samplerSchema,
) as z.ZodType<SamplerName>;

const common = {
  model: socket('MODEL'),
  positive: socket('CONDITIONING'),
  negative: socket('CONDITIONING'),
  latent_image: socket('LATENT'),
  steps: integer(1, 10_000),
  cfg: decimal(0, 100),
  sampler_name,
  scheduler: scheduleSchema,
  // Our own graphs: A1111's noise, diffusers' end of the walk, what was left out for speed.
  emulsion: z.object({
    rng: z.enum(['cpu', 'nv']).default('cpu'),
    stepRule: z.enum(STEP_RULES).default('comfy'),
    speed: z.enum(SPEEDS).default('exact'),
    shortcuts: shortcutsSchema.optional(),
  }),
};

type Common = z.output<z.ZodObject<typeof common>>;

export const SAMPLING = {
  KSampler: node({
    inputs: { ...common, seed: seedSchema, denoise: decimal(0, 1).default(1) },
    outputs: ['LATENT'],
    run: async ({ seed, denoise, ...inputs }, context) => [
      await sample(
        {
          ...optionsOf(inputs),
          seed,
          denoisingStrength: denoise,
          addNoise: true,
          startStep: 0,
          endStep: Infinity,
          leftoverNoise: false,
        },
        context,
      ),
    ],
  }),
  KSamplerAdvanced: node({
    inputs: {
      ...common,
      add_noise: z.enum(['enable', 'disable']),
      noise_seed: seedSchema,
      start_at_step: integer(0, 10_000),
      end_at_step: integer(0, 10_000),
      return_with_leftover_noise: z.enum(['enable', 'disable']),
    },
    outputs: ['LATENT'],
    run: async (inputs, context) => [
      await sample(
        {
          ...optionsOf(inputs),
          seed: inputs.noise_seed,
          denoisingStrength: 1,
          addNoise: inputs.add_noise === 'enable',
          startStep: inputs.start_at_step,
          endStep: inputs.end_at_step,
          leftoverNoise: inputs.return_with_leftover_noise === 'enable',
        },
        context,
      ),
    ],
  }),
};

function optionsOf({
  model,
  positive,
  negative,
  latent_image,
  steps,
  cfg,
  sampler_name: sampler,
  scheduler,
  emulsion,
}: Common) {
  return {
    model,
    positive,
    negative,
    latent: latent_image,
    steps,
    guidanceScale: cfg,
    sampler,
    schedule: scheduler,
    rng: emulsion.rng,
    shortcuts: emulsion.shortcuts ?? SPEED_SHORTCUTS[emulsion.speed],
    endsAtSmallestSigma: emulsion.stepRule === 'diffusers',
  };
}
