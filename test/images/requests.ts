/** Arbitrary requests for property tests: every kind, every field, with names and prompts as people write them. */
import fc from 'fast-check';
import {
  type GenerationRequest,
  generationRequestSchema,
  SAMPLERS,
  SCHEDULES,
} from '../../preload/request.ts';

const text = fc.oneof(
  fc.constantFrom(
    '',
    'a red boat on the sea',
    'Ärger, (süß:1.3)',
    '猫 in the rain\nBREAK\nnight',
    'Steps: 1, a "quoted" \\( word',
  ),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);
const name = fc.oneof(
  fc.constantFrom('v1-5 pruned', 'dream_8', '写实 v2', 'a,b: c'),
  fc.string({ minLength: 1, maxLength: 20 }),
);
const sha256 = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
const optional = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.oneof(
    fc.constant({}),
    value.map((v) => ({ [key]: v })),
  );
const merged = (...parts: fc.Arbitrary<object>[]) =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as object);

const path = fc.constantFrom('/models/x.safetensors', 'C:\\models\\sub dir\\x.ckpt', 'relative/y.png');
const model = merged(fc.record({ name }), optional('path', path), optional('sha256', sha256));
const image = fc.oneof(fc.record({ sha256 }), fc.record({ path }), fc.record({ sha256, path }));
const part = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((value) => value + 0);
const dimension = fc.integer({ min: 8, max: 256 }).map((value) => value * 8);

const control = merged(
  fc.record({
    model,
    image,
    preprocessor: fc.constantFrom('none', 'canny', 'scribble', 'onnx:depth'),
    preprocessorOptions: fc.constantFrom({}, { low: 50, high: 150 }),
    weight: part(0, 4),
    startFraction: part(0, 1),
    endFraction: part(0, 1),
    priority: fc.constantFrom('balanced', 'prompt', 'control'),
  }),
);
const secondPass = merged(
  fc.record({
    scale: part(1, 8),
    upscaler: fc.oneof(fc.constant('latent'), model),
    denoisingStrength: part(0, 1),
  }),
  optional('steps', fc.integer({ min: 1, max: 1000 })),
);
const shortcuts = merged(
  optional(
    'guidanceInterval',
    fc
      .tuple(part(0, 10_000), part(0, 10_000))
      .map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) })),
  ),
  optional('negativeBound', part(0, 1)),
  optional('deepBound', part(0, 1)),
);
const common = merged(
  fc.record({
    checkpoint: model,
    prompt: text,
    negativePrompt: text,
    loras: fc.array(fc.record({ model, unetWeight: part(-4, 4), textWeight: part(-4, 4) }), { maxLength: 3 }),
    embeddings: fc.array(model, { maxLength: 2 }),
    controls: fc.array(control, { maxLength: 2 }),
    sampler: fc.constantFrom(...SAMPLERS),
    schedule: fc.constantFrom(...SCHEDULES),
    steps: fc.integer({ min: 1, max: 1000 }),
    guidanceScale: part(0, 100),
    seed: fc
      .oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 9999n }))
      .map(String),
    rng: fc.constantFrom('cpu', 'nv'),
    batchSeeds: fc.constantFrom('batch', 'increment'),
    width: dimension,
    height: dimension,
    batch: fc.integer({ min: 1, max: 64 }),
    clipSkip: fc.integer({ min: 1, max: 12 }),
    emphasis: fc.constantFrom('comfy', 'a1111'),
    speed: fc.constantFrom('exact', 'fast', 'draft'),
    stepRule: fc.constantFrom('comfy', 'diffusers'),
  }),
  optional('vae', model),
  optional('shortcuts', shortcuts),
  optional('secondPass', secondPass),
);
const fromImage = fc.record({
  initImage: image,
  denoisingStrength: part(0, 1),
});
const inpaint = fc.record({
  mask: image,
  maskBlur: part(0, 256),
  maskGrow: part(-256, 256),
  maskedContent: fc.constantFrom('original', 'fill', 'latent noise', 'latent nothing'),
  inpaintArea: fc.constantFrom('whole picture', 'only masked'),
  maskedPadding: fc.integer({ min: 0, max: 1024 }),
});
const kindOf = (kind: GenerationRequest['kind']) => fc.constant({ kind });

/** Complete requests of all three kinds, as the schema returns them. */
export const anyRequest: fc.Arbitrary<GenerationRequest> = fc
  .oneof(
    merged(kindOf('text-to-image'), common),
    merged(kindOf('image-to-image'), common, fromImage),
    merged(kindOf('inpaint'), common, fromImage, inpaint),
  )
  .map((request) => generationRequestSchema.parse(request));

/** A plain request with some fields changed. */
export function request(changes: Readonly<Record<string, unknown>> = {}): GenerationRequest {
  return generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'starter' },
    prompt: 'a red boat',
    seed: '42',
    width: 512,
    height: 512,
    ...changes,
  });
}
