import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comfyGraph } from '../../../main/images/comfy/exportGraph.ts';
import {
  type ComfyGraph,
  linkFrom,
  looseGraph,
  parsePythonJson,
  pythonJson,
} from '../../../main/images/comfy/graph.ts';
import { recallComfyGraph } from '../../../main/images/comfy/readGraph.ts';
import { modelName } from '../../../main/images/recall/recall.ts';
import { SAMPLERS } from '../../../main/pipeline/samplers/registry.ts';
import type { SamplerEntry } from '../../../main/pipeline/samplers/sampler.ts';
import type { ModelRef, SamplerName } from '../../../preload/request.ts';
import { shortcutsOf } from '../../../preload/shortcuts.ts';
import { anyRequest, request } from '../requests.ts';

/** Class names in the order of the graph. */
const types = (graph: ComfyGraph) => Object.values(graph).map((node) => node.class_type);
const only = (graph: ComfyGraph, type: string) =>
  Object.values(graph).find((node) => node.class_type === type)!;
const SHA = 'ab'.repeat(32);

test('text to image is the graph everyone knows', () => {
  const graph = comfyGraph(
    request({
      negativePrompt: 'blur',
      seed: '18446744073709551615',
      sampler: 'dpmpp_2m',
      schedule: 'karras',
    }),
  );
  const nodes = Object.fromEntries(
    Object.entries(graph).map(([id, { class_type, inputs }]) => [id, { class_type, inputs }]),
  );
  expect(nodes).toEqual({
    '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'starter' } },
    '2': { class_type: 'CLIPTextEncode', inputs: { text: 'a red boat', clip: ['1', 1] } },
    '3': { class_type: 'CLIPTextEncode', inputs: { text: 'blur', clip: ['1', 1] } },
    '4': { class_type: 'EmptyLatentImage', inputs: { width: 512, height: 512, batch_size: 1 } },
    '5': {
      class_type: 'KSampler',
      inputs: {
        seed: 18446744073709551615n, steps: 20, cfg: 7, sampler_name: 'dpmpp_2m', scheduler: 'karras', denoise: 1,
        model: ['1', 0], positive: ['2', 0], negative: ['3', 0], latent_image: ['4', 0],
      }, // biome-ignore format: one node
    },
    '6': { class_type: 'VAEDecode', inputs: { samples: ['5', 0], vae: ['1', 2] } },
    '7': { class_type: 'SaveImage', inputs: { images: ['6', 0], filename_prefix: 'Emulsion' } },
  });
});

test('LoRAs of the request and of tags in the prompt form one chain; clip skip comes last', () => {
  const graph = comfyGraph(
    request({
      prompt: 'a boat <lora:ink:0.5>',
      loras: [
        { model: { name: 'detail', path: '/loras/detail.safetensors' }, unetWeight: 1, textWeight: 0.25 },
      ],
      clipSkip: 2,
    }),
  );
  expect(graph['2']!.inputs).toEqual({
    lora_name: 'detail.safetensors',
    strength_model: 1,
    strength_clip: 0.25,
    model: ['1', 0],
    clip: ['1', 1],
  });
  expect(graph['3']!.inputs).toMatchObject({
    lora_name: 'ink',
    strength_model: 0.5,
    strength_clip: 0.5,
    model: ['2', 0],
    clip: ['2', 1],
  });
  expect(graph['4']).toMatchObject({
    class_type: 'CLIPSetLastLayer',
    inputs: { stop_at_clip_layer: -2, clip: ['3', 1] },
  });
  expect(graph['5']!.inputs['text']).toBe('a boat ');
});

test("strength follows each rule: KSampler for ComfyUI's, a later first step for diffusers'", () => {
  const image = { kind: 'image-to-image', initImage: { sha256: SHA }, denoisingStrength: 0.55 };
  const comfy = comfyGraph(request({ ...image, stepRule: 'comfy' }));
  expect(only(comfy, 'KSampler').inputs).toMatchObject({ denoise: 0.55, steps: 20 });
  const diffusers = comfyGraph(request({ ...image, stepRule: 'diffusers' }));
  expect(only(diffusers, 'KSamplerAdvanced').inputs).toMatchObject({
    steps: 20,
    start_at_step: 9,
    end_at_step: 10000,
    add_noise: 'enable',
  });
  expect(types(diffusers)).toEqual([
    'CheckpointLoaderSimple', 'CLIPTextEncode', 'CLIPTextEncode', 'LoadImage', 'ImageScale', 'VAEEncode', 'KSamplerAdvanced', 'VAEDecode', 'SaveImage',
  ]); // biome-ignore format: one list
});

const inpaint = {
  kind: 'inpaint',
  initImage: { path: '/tmp/photo.png' },
  mask: { path: '/tmp/mask.png' },
  denoisingStrength: 1,
};

test('inpainting masks the latent and pastes back; an inpaint model gets the masked picture too', () => {
  const plain = comfyGraph(request({ ...inpaint, maskedContent: 'latent noise', maskGrow: 6 }));
  expect(only(plain, 'SetLatentNoiseMask')._meta?.emulsion).toEqual({ maskedContent: 'latent noise' });
  expect(only(plain, 'LoadImageMask')).toMatchObject({
    inputs: { image: 'mask.png', channel: 'red' },
    _meta: { emulsion: { grow: 6, blur: 4 } },
  });
  expect(types(plain).slice(-2)).toEqual(['ImageCompositeMasked', 'SaveImage']);
  const nine = comfyGraph(request(inpaint), { inpaintModel: true });
  const [id] = Object.entries(nine).find(([, node]) => node.class_type === 'InpaintModelConditioning')!;
  expect(only(nine, 'KSampler').inputs).toMatchObject({
    positive: [id, 0],
    negative: [id, 1],
    latent_image: [id, 2],
  });
});

test('only masked cuts the area out, works at full size and pastes at its place', () => {
  const region = { x: 40, y: 24, width: 128, height: 96 };
  const graph = comfyGraph(request({ ...inpaint, inpaintArea: 'only masked' }), { region });
  expect(only(graph, 'ImageCrop').inputs).toMatchObject(region);
  expect(only(graph, 'CropMask').inputs).toMatchObject(region);
  expect(only(graph, 'ImageCompositeMasked').inputs).toMatchObject({ x: 40, y: 24 });
  const scales = Object.values(graph).filter((node) => node.class_type === 'ImageScale');
  expect(scales.map(({ inputs }) => [inputs['width'], inputs['height']])).toEqual([
    [512, 512],
    [128, 96],
  ]);
});

test('second passes enlarge the latent, or the pixels with a model', () => {
  const latent = comfyGraph(
    request({ secondPass: { scale: 1.5, upscaler: 'latent', denoisingStrength: 0.5, steps: 12 } }),
  );
  expect(only(latent, 'LatentUpscale').inputs).toMatchObject({ width: 768, height: 768 });
  expect(only(latent, 'KSamplerAdvanced').inputs).toMatchObject({ steps: 12, start_at_step: 6 });
  const pixels = comfyGraph(
    request({ secondPass: { scale: 2, upscaler: { name: 'x4' }, denoisingStrength: 0.5 } }),
  );
  expect(types(pixels).slice(5, -2)).toEqual([
    'VAEDecode', 'UpscaleModelLoader', 'ImageUpscaleWithModel', 'ImageScale', 'VAEEncode', 'KSamplerAdvanced',
  ]); // biome-ignore format: one list
});

test('ControlNets wrap both prompts; Canny has its node, other preprocessors are named', () => {
  const control = {
    model: { name: 'cn' },
    image: { sha256: SHA },
    weight: 0.7,
    startFraction: 0.1,
    endFraction: 0.9,
  };
  const graph = comfyGraph(
    request({
      controls: [
        { ...control, preprocessor: 'canny', preprocessorOptions: { low: 51, high: 204 } },
        { ...control, preprocessor: 'softedge', priority: 'control' },
      ],
    }),
  );
  expect(only(graph, 'Canny').inputs).toMatchObject({ low_threshold: 0.2, high_threshold: 0.8 });
  const applied = Object.values(graph).filter((node) => node.class_type === 'ControlNetApplyAdvanced');
  expect(applied[0]!.inputs).toMatchObject({
    strength: 0.7,
    start_percent: 0.1,
    end_percent: 0.9,
    positive: ['2', 0],
    negative: ['3', 0],
  });
  expect(applied[1]!._meta?.emulsion).toEqual({ preprocessor: 'softedge', priority: 'control' });
});

test('every link of every graph leads to a node before it', () => {
  fc.assert(
    fc.property(anyRequest, fc.boolean(), (made, inpaintModel) => {
      const graph = comfyGraph(made, { inpaintModel, region: { x: 0, y: 0, width: 64, height: 64 } });
      for (const [id, { inputs }] of Object.entries(graph)) {
        for (const link of Object.values(inputs).map(linkFrom))
          if (link) expect(Number(link[0])).toBeLessThan(Number(id));
      }
    }),
  );
});

test('request → graph → request gives back what a graph can carry', () => {
  const named = (ref: ModelRef) => modelName(ref.path ?? ref.name);
  fc.assert(
    fc.property(anyRequest, (made) => {
      fc.pre(!/[<>]/.test(made.prompt + made.negativePrompt));
      fc.pre(made.secondPass?.scale === undefined || made.secondPass.scale > 1.1);
      const graph = looseGraph(parsePythonJson(pythonJson(comfyGraph(made))))!;
      const { request: recalled } = recallComfyGraph(graph);
      const {
        kind,
        prompt,
        negativePrompt,
        sampler,
        schedule,
        steps,
        guidanceScale,
        seed,
        width,
        height,
        rng,
        emphasis,
      } = made;
      expect(recalled).toMatchObject({
        kind,
        prompt,
        negativePrompt,
        sampler,
        schedule,
        steps,
        guidanceScale,
        seed,
        width,
        height,
        rng,
        emphasis,
      });
      expect(recalled.clipSkip ?? 1).toBe(made.clipSkip);
      expect(recalled.speed ?? 'exact').toBe(made.speed);
      expect(shortcutsOf({ ...recalled, speed: made.speed })).toEqual(shortcutsOf(made));
      expect(recalled.checkpoint!.name).toBe(named(made.checkpoint));
      expect(recalled.checkpoint!.sha256).toBe(made.checkpoint.sha256);
      expect(recalled.loras!.map(({ model, ...rest }) => ({ ...rest, name: model.name }))).toEqual(
        made.loras.map(({ model, ...rest }) => ({ ...rest, name: named(model) })),
      );
      expect(recalled.secondPass === undefined).toBe(made.secondPass === undefined);
      // Without a strength the rules differ for the samplers that diffusers ends early, and only there.
      if (keepsSmallestSigma(made.sampler)) expect(recalled.stepRule).toBe(made.stepRule);
      if (made.kind === 'text-to-image') return;
      const run = (strength: number) => Math.trunc(strength * steps);
      if (made.stepRule === 'comfy') expect(recalled.denoisingStrength).toBe(made.denoisingStrength);
      else expect(run(recalled.denoisingStrength!)).toBe(run(made.denoisingStrength));
      if (made.kind === 'inpaint') {
        expect(recalled).toMatchObject({ maskBlur: made.maskBlur, maskGrow: made.maskGrow });
        expect(recalled.maskedContent ?? 'original').toBe(made.maskedContent);
      }
    }),
    { numRuns: 400 },
  );
});

function keepsSmallestSigma(name: SamplerName): boolean {
  const entry: SamplerEntry = SAMPLERS[name];
  return entry.keepsSmallestSigma ?? false;
}
