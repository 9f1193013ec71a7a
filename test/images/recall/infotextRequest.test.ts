import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recallInfotext } from '../../../main/images/recall/infotextRead.ts';
import { pictureSeed, requestToInfotext } from '../../../main/images/recall/infotextWrite.ts';
import { shortcutsOf } from '../../../preload/shortcuts.ts';
import { anyRequest, request } from '../requests.ts';

test('the text of a request reads like an A1111 picture of today', () => {
  const text = requestToInfotext(
    request({
      prompt: 'a red boat, (sunset:1.2)',
      negativePrompt: 'blurry',
      checkpoint: { name: 'v1-5-pruned', sha256: '6ce0161689'.padEnd(64, '0') },
      vae: { name: 'mse 840000', sha256: 'c6a580b13a'.padEnd(64, '0') },
      loras: [
        { model: { name: 'detail' }, unetWeight: 0.8, textWeight: 0.8 },
        { model: { name: 'ink' }, unetWeight: 1, textWeight: 0.5 },
      ],
      sampler: 'dpmpp_2m',
      schedule: 'karras',
      clipSkip: 2,
      rng: 'nv',
      emphasis: 'a1111',
      secondPass: { scale: 2, upscaler: 'latent', denoisingStrength: 0.6, steps: 10 },
    }),
    { loraHashes: new Map([['detail', '7c6bad76eb54ffff']]), version: 'Emulsion 1.0' },
  );
  expect(text).toBe(
    `a red boat, (sunset:1.2) <lora:detail:0.8> <lora:ink:0.5:1>
Negative prompt: blurry
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x512, Model hash: 6ce0161689, Model: v1-5-pruned, VAE hash: c6a580b13a, VAE: mse 840000, Denoising strength: 0.6, Clip skip: 2, RNG: NV, Lora hashes: "detail: 7c6bad76eb54", Hires upscale: 2, Hires steps: 10, Hires upscaler: Latent, Version: Emulsion 1.0`,
  );
});

test('a picture of a batch carries its own seed, which wraps at 2^64', () => {
  const last = request({ seed: String(2n ** 64n - 1n), batch: 4 });
  expect(pictureSeed(last, 2)).toBe('1');
  expect(pictureSeed({ ...last, batchSeeds: 'batch' }, 2)).toBe(last.seed);
  expect(recallInfotext(requestToInfotext(last, { batchIndex: 2 })).request.seed).toBe('1');
});

test('text → request gives back all that a text can carry', () => {
  fc.assert(
    fc.property(anyRequest, (made) => {
      const plainNames = (name: string) => /^[\w -]*\w$/.test(name);
      fc.pre(
        [made.checkpoint, made.vae, ...made.loras.map((lora) => lora.model)].every(
          (ref) => !ref || plainNames(ref.name),
        ),
      );
      fc.pre(
        ![made.prompt, made.negativePrompt].some((text) =>
          /Negative prompt:|[<>\r\t]|^\s|\s$|\s\n|\n\s/.test(text),
        ),
      );
      fc.pre(made.loras.length === 0 || made.prompt !== '');
      const { request: recalled, source } = recallInfotext(requestToInfotext(made));
      expect(source).toBe('a1111');
      const { kind, prompt, negativePrompt, sampler, schedule, steps, guidanceScale, seed, width, height } =
        made;
      const { rng, batchSeeds, clipSkip, emphasis, speed } = made;
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
      });
      expect(recalled).toMatchObject({
        rng,
        batchSeeds,
        emphasis,
        checkpoint: { name: made.checkpoint.name },
      });
      expect([recalled.clipSkip ?? 1, recalled.speed ?? 'exact']).toEqual([clipSkip, speed]);
      expect(shortcutsOf({ ...recalled, speed })).toEqual(shortcutsOf(made));
      expect(recalled.loras).toEqual(
        made.loras.map(({ model, ...weights }) => ({ model: { name: model.name }, ...weights })),
      );
      expect(recalled.stepRule).toBe(made.stepRule);
      if (made.kind === 'text-to-image') return;
      expect(recalled.denoisingStrength).toBe(made.denoisingStrength);
      if (made.kind !== 'inpaint') return;
      expect(recalled.maskBlur).toBe(made.maskBlur);
      expect(recalled.maskGrow ?? 0).toBe(made.maskGrow);
      expect(recalled.maskedContent ?? 'original').toBe(made.maskedContent);
      expect(recalled.inpaintArea ?? 'whole picture').toBe(made.inpaintArea);
      if (made.inpaintArea === 'only masked') expect(recalled.maskedPadding).toBe(made.maskedPadding);
    }),
    { numRuns: 500 },
  );
});

test('older files keep the schedule in the sampler name', () => {
  const of = (line: string) => recallInfotext(`x\nSteps: 20, Seed: 1, Size: 512x512, ${line}`).request;
  expect(of('Sampler: DPM++ 2M Karras')).toMatchObject({ sampler: 'dpmpp_2m', schedule: 'karras' });
  expect(of('Sampler: DPM++ 2M SDE Exponential')).toMatchObject({
    sampler: 'dpmpp_2m_sde',
    schedule: 'exponential',
  });
  expect(of('Sampler: Euler a')).toMatchObject({ sampler: 'euler_ancestral', schedule: 'normal' });
  expect(of('Sampler: DPM++ 2M')).toMatchObject({ sampler: 'dpmpp_2m', schedule: 'normal' });
  expect(of('Sampler: DPM++ 2M, Schedule type: Automatic')).toMatchObject({ schedule: 'karras' });
  expect(of('Sampler: Euler, Schedule type: Automatic')).toMatchObject({ schedule: 'normal' });
  expect(of('Sampler: Euler, Schedule type: Uniform')).toMatchObject({ schedule: 'normal' });
});

test("A1111's defaults are filled in: its noise, its emphasis, its seeds", () => {
  const { request: recalled, missing } = recallInfotext(
    'x\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 512x512, Model: m',
  );
  expect(recalled).toMatchObject({
    kind: 'text-to-image',
    rng: 'nv',
    emphasis: 'a1111',
    batchSeeds: 'increment',
  });
  expect(missing).toEqual([]);
  expect(recallInfotext('x\nSteps: 20, Sampler: Euler, Seed: 1, RNG: CPU').request.rng).toBe('cpu');
});

test('source pictures, masks and second passes are told apart', () => {
  const of = (line: string) =>
    recallInfotext(`x\nSteps: 20, Sampler: Euler, Seed: 1, Size: 512x512, ${line}`);
  expect(of('Denoising strength: 0.5')).toMatchObject({
    request: { kind: 'image-to-image', denoisingStrength: 0.5 },
    missing: ['checkpoint', 'initImage'],
  });
  const inpaint = of(
    'Denoising strength: 0.75, Mask blur: 4, Inpaint area: Only masked, Masked area padding: 64, Masked content: latent noise',
  );
  expect(inpaint.request).toMatchObject({
    kind: 'inpaint',
    maskBlur: 4,
    inpaintArea: 'only masked',
    maskedPadding: 64,
    maskedContent: 'latent noise',
  });
  expect(inpaint.missing).toEqual(['checkpoint', 'initImage', 'mask']);
  const hires = of('Denoising strength: 0.4, Hires upscale: 1.5, Hires upscaler: R-ESRGAN 4x+');
  expect(hires.request).toMatchObject({
    kind: 'text-to-image',
    secondPass: { scale: 1.5, denoisingStrength: 0.4, upscaler: { name: 'R-ESRGAN 4x+' } },
  });
  expect(hires.models).toContainEqual({ role: 'upscaler', name: 'R-ESRGAN 4x+' });
  expect(of('Denoising strength: 0.4, Hires resize: 1024x1024').request.secondPass).toMatchObject({
    scale: 2,
    upscaler: 'latent',
  });
  expect(of('Denoising strength: 0.4, Hires resize: 0x768').request.secondPass).toMatchObject({ scale: 1.5 });
});

test('models come with their hashes, also from Civitai', () => {
  const { models, request: recalled } = recallInfotext(
    'cat <lora:detail:0.7> <lora:ink:1:0.2>\nSteps: 20, Sampler: Euler, Seed: 1, Model hash: 6CE0161689, Model: v1-5, VAE hash: c6a580b13a, VAE: mse.pt, Lora hashes: "detail: 7c6bad76eb54", TI hashes: "bad: 0123456789ab", Hashes: {"model": "ffffffffff", "lora:ink": "aabbccddeeff", "embed:good": "ba9876543210"}',
  );
  expect(models).toEqual([
    { role: 'lora', name: 'detail', hash: { kind: 'autov3', value: '7c6bad76eb54' } },
    { role: 'lora', name: 'ink', hash: { kind: 'autov3', value: 'aabbccddeeff' } },
    { role: 'checkpoint', name: 'v1-5', hash: { kind: 'sha256', value: '6ce0161689' } },
    { role: 'vae', name: 'mse', hash: { kind: 'sha256', value: 'c6a580b13a' } },
    { role: 'embedding', name: 'good', hash: { kind: 'sha256', value: 'ba9876543210' } },
    { role: 'embedding', name: 'bad', hash: { kind: 'sha256', value: '0123456789ab' } },
  ]);
  expect(recalled.prompt).toBe('cat');
  expect(recalled.loras).toEqual([
    { model: { name: 'detail' }, unetWeight: 0.7, textWeight: 0.7 },
    { model: { name: 'ink' }, unetWeight: 0.2, textWeight: 1 },
  ]);
});

test("Civitai's own generator names LoRAs as resources", () => {
  const { request: recalled } = recallInfotext(
    'cat\nSteps: 30, Sampler: Euler a, CFG scale: 5, Seed: 7, Created Date: 2024-11-01T0101, Civitai resources: [{"type":"checkpoint","modelVersionId":1,"modelName":"Pony"},{"type":"lora","weight":0.6,"modelVersionId":2,"modelName":"Ink, v2"}], Civitai metadata: {}',
  );
  expect(recalled.loras).toEqual([{ model: { name: 'Ink, v2' }, unetWeight: 0.6, textWeight: 0.6 }]);
});

test('stable-diffusion.cpp is recognised', () => {
  const { source, request: recalled } = recallInfotext(
    'A sunflower field\nSteps: 30, CFG scale: 5.000000, Guidance: 3.500000, Eta: 0.000000, Seed: 197583933, Size: 512x512, Model: v1-5-pruned-emaonly.safetensors, RNG: cuda, Sampler: dpm++2m karras, Version: stable-diffusion.cpp',
  );
  expect(source).toBe('sdcpp');
  expect(recalled).toMatchObject({
    sampler: 'dpmpp_2m',
    schedule: 'karras',
    steps: 30,
    guidanceScale: 5,
    seed: '197583933',
    rng: 'nv',
    checkpoint: { name: 'v1-5-pruned-emaonly' },
  });
});

test('what has no counterpart is said, one sentence each', () => {
  const { problems, models } = recallInfotext(
    'x\nSteps: 9000, Sampler: Restart, Seed: 1, Size: 510x512, ENSD: 31337, RNG: std_default, ControlNet 0: "Module: canny, Model: control_v11p_sd15_canny [d14c016b], Weight: 0.8"',
  );
  expect(problems).toEqual([
    'sampler "Restart" is not known here',
    expect.stringMatching(/^steps 9000 cannot be used here/),
    'ControlNet "control_v11p_sd15_canny" (canny, weight 0.8) needs its picture again',
    'width 510 cannot be used here: sizes are multiples of 8',
    'noise of the generator "std_default" cannot be repeated here',
    'the eta noise seed delta is left out, so ancestral samplers differ',
  ]);
  expect(models).toEqual([
    { role: 'control', name: 'control_v11p_sd15_canny', hash: { kind: 'autov1', value: 'd14c016b' } },
  ]);
});

test('any text gives a result whose fields are all valid', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc
          .array(
            fc.constantFrom(
              'Steps: 20',
              ', ',
              'Seed: -1',
              '\n',
              'Sampler: constructor',
              'Size: 0x0',
              'Hires upscale: NaN',
              'Hashes: {"model": 3}',
              '<lora:',
              'x:1e999>',
              'Clip skip: 0',
              'Lora hashes: ":,"',
            ),
            { maxLength: 30 },
          )
          .map((p) => p.join('')),
      ),
      (text) => {
        const { request: recalled, missing } = recallInfotext(text);
        expect(recalled.kind).toBeDefined();
        expect(missing).toContain('checkpoint');
      },
    ),
    { numRuns: 1000 },
  );
});

test('a text of a hundred thousand models has the library look for some hundred', () => {
  const tags = Array.from({ length: 100_000 }, (_, i) => `<lora:l${i}:1>`).join('');
  const controls = Array.from({ length: 10_000 }, (_, i) => `ControlNet ${i}: "Model: m${i}"`).join(', ');
  const { models, problems } = recallInfotext(`${tags}\nSteps: 20, Sampler: Euler, Seed: 1, ${controls}`);
  expect(models.length).toBeLessThan(1000);
  expect(problems.length).toBeLessThan(1000);
});
