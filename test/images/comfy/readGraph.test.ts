import fc from 'fast-check';
import { expect, test } from 'vitest';
import { looseGraph } from '../../../main/images/comfy/graph.ts';
import { recallComfyGraph } from '../../../main/images/comfy/readGraph.ts';

const read = (nodes: Record<string, [type: string, inputs: object]>) =>
  recallComfyGraph(
    looseGraph(
      Object.fromEntries(
        Object.entries(nodes).map(([id, [class_type, inputs]]) => [id, { class_type, inputs }]),
      ),
    )!,
  );

const COMMON: Record<string, [string, object]> = {
  '1': ['CheckpointLoaderSimple', { ckpt_name: 'sd15\\dreamshaper_8.safetensors' }],
  '6': ['CLIPTextEncode', { text: 'a fox, embedding:easyneg', clip: ['1', 1] }],
  '7': ['CLIPTextEncode', { text: 'blur', clip: ['1', 1] }],
  '5': ['EmptyLatentImage', { width: 640, height: 512, batch_size: 2 }],
  '9': ['SaveImage', { images: ['8', 0], filename_prefix: 'ComfyUI' }],
  '8': ['VAEDecode', { samples: ['3', 0], vae: ['1', 2] }],
};
const SAMPLER = {
  seed: 5, steps: 25, cfg: 6.5, sampler_name: 'dpmpp_2m_sde_gpu', scheduler: 'karras', denoise: 1,
  model: ['1', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0],
}; // biome-ignore format: one node

test("ComfyUI's default graph", () => {
  const { request, models, missing, problems } = read({ ...COMMON, '3': ['KSampler', SAMPLER] });
  expect(request).toMatchObject({
    kind: 'text-to-image', prompt: 'a fox, embedding:easyneg', negativePrompt: 'blur', seed: '5', steps: 25, guidanceScale: 6.5,
    sampler: 'dpmpp_2m_sde', schedule: 'karras', width: 640, height: 512, batch: 2,
    rng: 'cpu', emphasis: 'comfy', batchSeeds: 'batch', checkpoint: { name: 'dreamshaper_8' },
  }); // biome-ignore format: one request
  expect(models).toEqual([
    { role: 'checkpoint', name: 'dreamshaper_8' },
    { role: 'embedding', name: 'easyneg' },
  ]);
  expect([missing, problems]).toEqual([[], []]);
});

test('values held by other nodes are looked up', () => {
  const { request } = read({
    ...COMMON,
    '3': ['KSampler', { ...SAMPLER, seed: ['20', 0], steps: ['21', 0], positive: ['6', 0] }],
    '6': ['CLIPTextEncode', { text: ['22', 0], clip: ['1', 1] }],
    '20': ['Seed (rgthree)', { seed: 77 }],
    '21': ['PrimitiveInt', { value: 12 }],
    '22': ['StringConcat', { text: ['23', 0] }],
    '23': ['Text Multiline', { text: 'written elsewhere' }],
  });
  expect(request).toMatchObject({ seed: '77', steps: 12, prompt: 'written elsewhere' });
});

test('samplers made of parts', () => {
  const { request } = read({
    ...COMMON,
    '8': ['VAEDecode', { samples: ['3', 0], vae: ['1', 2] }],
    '3': [
      'SamplerCustomAdvanced',
      { noise: ['30', 0], guider: ['31', 0], sampler: ['32', 0], sigmas: ['33', 0], latent_image: ['5', 0] },
    ],
    '30': ['RandomNoise', { noise_seed: 9 }],
    '31': ['CFGGuider', { model: ['40', 0], positive: ['6', 0], negative: ['7', 0], cfg: 3 }],
    '32': ['KSamplerSelect', { sampler_name: 'lcm' }],
    '33': ['BasicScheduler', { scheduler: 'sgm_uniform', steps: 6, denoise: 1, model: ['40', 0] }],
    '40': ['LoraLoaderModelOnly', { lora_name: 'lcm.safetensors', strength_model: 0.9, model: ['1', 0] }],
  });
  expect(request).toMatchObject({
    seed: '9',
    sampler: 'lcm',
    schedule: 'sgm_uniform',
    steps: 6,
    guidanceScale: 3,
    loras: [{ model: { name: 'lcm' }, unetWeight: 0.9 }],
  });
});

test('LoRA stacks of other makers, off ones left out', () => {
  const { request } = read({
    ...COMMON,
    '3': ['KSampler', { ...SAMPLER, model: ['40', 0] }],
    '40': [
      'Power Lora Loader (rgthree)',
      {
        lora_1: { on: true, lora: 'a.safetensors', strength: 0.5 },
        lora_2: { on: false, lora: 'b.safetensors', strength: 1 },
        model: ['1', 0],
      },
    ],
  });
  expect(request.loras).toEqual([{ model: { name: 'a' }, unetWeight: 0.5, textWeight: 0.5 }]);
});

test('image to image names its picture as missing, with the file it was', () => {
  const { request, missing, problems } = read({
    ...COMMON,
    '3': ['KSampler', { ...SAMPLER, denoise: 0.6, latent_image: ['50', 0] }],
    '50': ['VAEEncode', { pixels: ['51', 0], vae: ['1', 2] }],
    '51': ['LoadImage', { image: 'photo.png' }],
  });
  expect(request).toMatchObject({ kind: 'image-to-image', denoisingStrength: 0.6, stepRule: 'comfy' });
  expect(missing).toEqual(['width', 'height', 'initImage']);
  expect(problems).toEqual(['the source picture was "photo.png": choose it again']);
});

test('two samplers in a row are a second pass', () => {
  const { request, models } = read({
    ...COMMON,
    '3': ['KSampler', { ...SAMPLER, seed: 6, steps: 10, denoise: 0.4, latent_image: ['60', 0] }],
    '60': ['VAEEncode', { pixels: ['61', 0], vae: ['1', 2] }],
    '61': [
      'ImageScale',
      { image: ['62', 0], width: 1280, height: 1024, upscale_method: 'lanczos', crop: 'disabled' },
    ],
    '62': ['ImageUpscaleWithModel', { upscale_model: ['63', 0], image: ['64', 0] }],
    '63': ['UpscaleModelLoader', { model_name: '4x.pth' }],
    '64': ['VAEDecode', { samples: ['65', 0], vae: ['1', 2] }],
    '65': ['KSampler', SAMPLER],
  });
  expect(request).toMatchObject({
    kind: 'text-to-image',
    seed: '5',
    steps: 25,
    secondPass: { scale: 2, upscaler: { name: '4x' }, denoisingStrength: 0.4, steps: 10 },
  });
  expect(models).toContainEqual({ role: 'upscaler', name: '4x' });
});

test('cycles, dangling links and strange values end in a result', () => {
  const value = fc.oneof(
    fc.tuple(fc.constantFrom('1', '2', '3', '4', 'x'), fc.nat(3)),
    fc.constantFrom<unknown>('text', 7, null, true, [], {}, ['1'], Number.POSITIVE_INFINITY),
  );
  const inputs = fc.dictionary(
    fc.constantFrom(
      'model',
      'positive',
      'negative',
      'latent_image',
      'text',
      'clip',
      'samples',
      'pixels',
      'image',
      'mask',
      'images',
      'seed',
      'steps',
      'guider',
      'control_net',
      'upscale_model',
      'width',
      'height',
      'lora_name',
      'ckpt_name',
      'conditioning',
    ),
    value,
  );
  const node = fc.record({
    class_type: fc.constantFrom('SaveImage', 'KSampler', 'CLIPTextEncode', 'LoadImage', 'Nonsense'),
    inputs,
  });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('1', '2', '3', '4'), node, { minKeys: 1 }), (nodes) => {
      const recall = recallComfyGraph(looseGraph(nodes)!);
      expect(recall.source).toBe('comfyui');
    }),
    { numRuns: 3000 },
  );
});

/** Of the processor's time: others may be at work on it. */
function secondsFor(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user / 1e6;
}

test('a graph of ten thousand nodes takes no time to speak of', () => {
  const nodes = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [
      String(i),
      {
        class_type: 'SaveImage',
        inputs: { images: [String((i * 7919 + 1) % 10_000), 0], latent_image: [String(i + 1), 0] },
      },
    ]),
  );
  expect(secondsFor(() => recallComfyGraph(looseGraph(nodes)!))).toBeLessThan(3);
});

test('ten thousand ControlNets on one prompt take no time to speak of either', () => {
  const behind = (i: number) => [String(i + 1), 0];
  const nodes = Array.from({ length: 9_000 }, (_, i) => ({
    class_type: 'ControlNetApply',
    inputs: { conditioning: behind(i), control_net: behind(i), image: behind(i) },
  }));
  const sampler = { class_type: 'KSampler', inputs: { latent_image: ['0', 0], positive: ['0', 0] } };
  const graph = looseGraph({ s: sampler, ...nodes })!;
  expect(secondsFor(() => recallComfyGraph(graph))).toBeLessThan(3);
}, 120_000);

test('whole numbers of any length are told where they cannot be used', () => {
  const sampler = {
    class_type: 'KSampler',
    inputs: { latent_image: ['1', 0], positive: ['1', 0] },
    _meta: { emulsion: { speed: 2n ** 70n, shortcuts: { deepBound: 2n ** 70n } } },
  };
  const { problems } = recallComfyGraph(looseGraph({ s: sampler })!);
  expect(problems.join()).toContain('speed "1180591620717411303424" cannot be used here');
});
