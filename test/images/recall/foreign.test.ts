import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recallFooocus, recallInvoke, recallNovelAi } from '../../../main/images/recall/foreign.ts';

test('InvokeAI: prompts, schedule in the sampler, skipped layers, models with hashes', () => {
  const { request, models, missing, problems } = recallInvoke({
    generation_mode: 'img2img',
    positive_prompt: 'a fox',
    negative_prompt: 'blur',
    width: 512,
    height: 768,
    seed: 123,
    rand_device: 'cpu',
    cfg_scale: 7.5,
    steps: 30,
    scheduler: 'dpmpp_2m_k',
    clip_skip: 1,
    strength: 0.6,
    model: { key: 'k', hash: 'blake3:abcdef0123456789', name: 'Dreamshaper 8', base: 'sd-1', type: 'main' },
    loras: [{ model: { name: 'ink', hash: 'blake3:00ff00ff00ff' }, weight: 0.75 }],
    controlnets: [{ control_model: { name: 'canny' }, control_weight: 0.5 }],
    app_version: '5.0.0',
    unknown_key: { any: [1, 2] },
  });
  expect(request).toMatchObject({
    kind: 'image-to-image',
    prompt: 'a fox',
    negativePrompt: 'blur',
    sampler: 'dpmpp_2m',
    schedule: 'karras',
    steps: 30,
    guidanceScale: 7.5,
    seed: '123',
    width: 512,
    height: 768,
    clipSkip: 2,
    denoisingStrength: 0.6,
    rng: 'cpu',
    checkpoint: { name: 'Dreamshaper 8' },
    loras: [{ model: { name: 'ink' }, unetWeight: 0.75, textWeight: 0.75 }],
  });
  expect(models).toEqual([
    { role: 'checkpoint', name: 'Dreamshaper 8', hash: { kind: 'blake3', value: 'abcdef0123456789' } },
    { role: 'lora', name: 'ink', hash: { kind: 'blake3', value: '00ff00ff00ff' } },
    { role: 'control', name: 'canny' },
  ]);
  expect(missing).toEqual(['initImage']);
  expect(problems).toEqual(['ControlNet "canny" (weight 0.5) needs its picture again']);
});

test('Fooocus: its JSON, new and old spelling', () => {
  const { request, models } = recallFooocus({
    prompt: 'a fox',
    negative_prompt: '',
    steps: 30,
    guidance_scale: 4,
    resolution: '(1152, 896)',
    base_model: 'juggernautXL_v8',
    base_model_hash: 'aeb7e9e689',
    sampler: 'dpmpp_2m_sde_gpu',
    scheduler: 'karras',
    seed: '7463732871348234',
    vae: 'Default (model)',
    loras: [['offset', 0.1, 'ab'.repeat(5)]],
    styles: '[]',
    version: 'Fooocus v2.5.0',
  });
  expect(request).toMatchObject({
    sampler: 'dpmpp_2m_sde',
    schedule: 'karras',
    width: 1152,
    height: 896,
    seed: '7463732871348234',
    loras: [{ model: { name: 'offset' }, unetWeight: 0.1 }],
  });
  expect(request.vae).toBeUndefined();
  expect(models).toContainEqual({
    role: 'checkpoint',
    name: 'juggernautXL_v8',
    hash: { kind: 'sha256', value: 'aeb7e9e689' },
  });
  const old = recallFooocus({
    Prompt: 'a fox',
    'Negative Prompt': 'x',
    Seed: 1,
    Resolution: '(512, 640)',
    'Base Model': 'm.safetensors',
    'LoRA 1': 'True : ink.safetensors : 0.5',
    'LoRA 2': 'False : off.safetensors : 1',
  });
  expect(old.request).toMatchObject({
    prompt: 'a fox',
    negativePrompt: 'x',
    height: 640,
    checkpoint: { name: 'm' },
  });
  expect(old.request.loras).toEqual([{ model: { name: 'ink' }, unetWeight: 0.5, textWeight: 0.5 }]);
});

test('NovelAI: the checkpoint is missing and said to be', () => {
  const { request, missing, problems } = recallNovelAi(
    {
      steps: 28,
      sampler: 'k_euler_ancestral',
      noise_schedule: 'karras',
      seed: 9,
      scale: 5,
      uc: 'bad',
      height: 1216,
      width: 832,
    },
    '1girl, {smile}',
  );
  expect(request).toMatchObject({
    prompt: '1girl, {smile}',
    negativePrompt: 'bad',
    sampler: 'euler_ancestral',
    schedule: 'karras',
    clipSkip: 2,
  });
  expect(missing).toEqual(['checkpoint']);
  expect(problems[0]).toMatch(/not public/);
});

test('any JSON gives a result', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom(
          'scheduler',
          'model',
          'loras',
          'steps',
          'seed',
          'controlnets',
          'sampler',
          'resolution',
          'vae',
          '__proto__',
        ),
        fc.jsonValue(),
      ),
      (settings) => {
        for (const recall of [
          recallInvoke(settings),
          recallFooocus(settings),
          recallNovelAi(settings, undefined),
        ]) {
          expect(recall.missing).toContain('prompt');
        }
      },
    ),
    { numRuns: 1000 },
  );
});
