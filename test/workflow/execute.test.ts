import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { EngineError } from '../../main/engine/border/failures.ts';
import { encodePixels } from '../../main/images/codec.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { bench, recorder, TINY_FILES } from '../helpers/workflows.ts';

const engine = bench();
afterAll(() => engine.host.release());

interface TestNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}
type TestGraph = Readonly<Record<string, TestNode>>;

/** Text to image at 64×64, with nodes or inputs replaced. */
function graph(changes: Readonly<Record<string, Partial<TestNode>>> = {}): TestGraph {
  const nodes: Record<string, TestNode> = {
    '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'sd1-tiny.safetensors' } },
    '2': { class_type: 'CLIPTextEncode', inputs: { text: 'a cat', clip: ['1', 1] } },
    '3': { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['1', 1] } },
    '4': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
    '5': {
      class_type: 'KSampler',
      inputs: {
        seed: 1, steps: 2, cfg: 4, sampler_name: 'euler', scheduler: 'normal', denoise: 1,
        model: ['1', 0], positive: ['2', 0], negative: ['3', 0], latent_image: ['4', 0],
      }, // biome-ignore format: one node
    },
    '6': { class_type: 'VAEDecode', inputs: { samples: ['5', 0], vae: ['1', 2] } },
    '7': { class_type: 'SaveImage', inputs: { images: ['6', 0], filename_prefix: 'x' } },
  };
  for (const [id, change] of Object.entries(changes)) {
    const old = nodes[id] ?? { class_type: '', inputs: {} };
    nodes[id] = { ...old, ...change, inputs: { ...old.inputs, ...change.inputs } };
  }
  return nodes;
}

async function failure(given: unknown, files = TINY_FILES): Promise<string> {
  const error = await engine.run(given, files).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EngineError)) throw new Error(`expected an EngineError, got ${error}`);
  expect(error.failure.code).toBe('bad-input');
  return `${error.failure.message} ${error.failure.hint ?? ''}`;
}

test('only what changed is run again, and what it changes', async () => {
  const first = await engine.run(graph());
  expect(first.ran).toHaveLength(7);
  const again = await engine.run(graph());
  expect(again.ran).toEqual([]);
  expect(again.images[0]!.image.data).toEqual(first.images[0]!.image.data);
  const otherSeed = await engine.run(graph({ '5': { inputs: { seed: 2 } } }));
  expect(otherSeed.ran).toEqual(['5', '6', '7']);
  expect(otherSeed.images[0]!.image.data).not.toEqual(first.images[0]!.image.data);
  const otherPrompt = await engine.run(
    graph({ '2': { inputs: { text: 'a dog' } }, '5': { inputs: { seed: 2 } } }),
  );
  expect(otherPrompt.ran).toEqual(['2', '5', '6', '7']);
  // The same under other names is still the same.
  const renamed = JSON.parse(
    JSON.stringify(graph({ '5': { inputs: { seed: 2 } }, '2': { inputs: { text: 'a dog' } } })).replaceAll(
      '"2"',
      '"two"',
    ),
  );
  expect((await engine.run(renamed)).ran).toEqual([]);
});

test('a picture that changed on the disk is read again', async () => {
  const path = join(tempFolder(), 'a.png');
  const write = async (value: number) =>
    writeFileSync(
      path,
      await encodePixels(pixelsOf(new Uint8Array(64 * 64 * 3).fill(value), 64, 64, 3), 'png'),
    );
  const show = {
    '1': { class_type: 'LoadImage', inputs: { image: 'a.png' } },
    '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
  };
  const files = { input: { 'a.png': path } };
  await write(10);
  const before = await engine.run(show, files);
  expect(before.images[0]).toMatchObject({ nodeId: '2', temporary: true });
  expect((await engine.run(show, files)).ran).toEqual([]);
  await write(20);
  utimesSync(path, 5, 5);
  const after = await engine.run(show, files);
  expect(after.ran).toEqual(['1', '2']);
  expect(after.images[0]!.image.data[0]).toBe(20);
});

test('several outputs, and nodes that lead nowhere are not looked at', async () => {
  const run = await engine.run(
    graph({
      '8': { class_type: 'PreviewImage', inputs: { images: ['6', 0] } },
      '9': { class_type: 'SomethingUnknown', inputs: { anything: ['5', 0] } },
    }),
  );
  expect(run.images.map(({ nodeId, temporary, prefix }) => [nodeId, temporary, prefix])).toEqual([
    ['7', false, 'x'],
    ['8', true, 'ComfyUI'],
  ]);
  expect([...run.ran, ...run.cached]).not.toContain('9');
});

test('progress by stages, and a stop between steps', async () => {
  const { seen, onProgress } = recorder();
  await engine.run(graph({ '5': { inputs: { seed: 77, steps: 3 } } }), TINY_FILES, { onProgress });
  const steps = seen.filter(({ stage, step }) => stage === 'denoise' && step > 0);
  expect(steps.map(({ step, steps: of }) => [step, of])).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  const stop = new AbortController();
  let denoised = 0;
  const run = engine.run(graph({ '5': { inputs: { seed: 78, steps: 50 } } }), TINY_FILES, {
    signal: stop.signal,
    onProgress: ({ stage, step }) => {
      if (stage !== 'denoise') return;
      denoised = step;
      if (step === 2) stop.abort();
    },
  });
  await expect(run).rejects.toThrow(/abort/i);
  expect(denoised).toBe(2);
});

test.each([
  [
    'a node that is not known',
    graph({ '6': { class_type: 'VAEDecodeTiled' } }),
    /Node 6 \(VAEDecodeTiled\).*not known.*Use VAEDecode/,
  ],
  ['an own kind of sampler', graph({ '5': { class_type: 'SamplerCustomAdvanced' } }), /Node 5.*Use KSampler/],
  [
    'nothing like it',
    graph({ '5': { class_type: 'Zzz' } }),
    /Node 5 \(Zzz\).*There are CheckpointLoaderSimple/,
  ],
  [
    'a property every object has',
    graph({ '5': { class_type: 'constructor' } }),
    /Node 5 \(constructor\).*not known/,
  ],
  [
    'a link into nothing',
    graph({ '5': { inputs: { model: ['99', 0] } } }),
    /Node 5 \(KSampler\): "model" is linked to node 99/,
  ],
  [
    'an output that is not there',
    graph({ '5': { inputs: { model: ['1', 7] } } }),
    /output 7 of Node 1 \(CheckpointLoaderSimple\), which has 3/,
  ],
  [
    'the wrong type',
    graph({ '5': { inputs: { model: ['1', 1] } } }),
    /Node 5 \(KSampler\): "model" needs a MODEL, but is linked to a CLIP/,
  ],
  [
    'a value where a link belongs',
    graph({ '5': { inputs: { model: 'x' } } }),
    /Node 5 \(KSampler\): "model" needs a MODEL/,
  ],
  [
    'a link where a value belongs',
    graph({ '5': { inputs: { steps: ['1', 0] } } }),
    /"steps" needs a value, but is linked to a MODEL/,
  ],
  [
    'a missing input',
    graph({ '6': { inputs: { vae: undefined } } }),
    /Node 6 \(VAEDecode\): "vae" is missing/,
  ],
  [
    'a value out of range',
    graph({ '4': { inputs: { width: 1e9 } } }),
    /Node 4 \(EmptyLatentImage\): "width"/,
  ],
  [
    'a sampler that is not known',
    graph({ '5': { inputs: { sampler_name: 'magic' } } }),
    /Node 5 \(KSampler\): "sampler_name"/,
  ],
  ['a negative seed', graph({ '5': { inputs: { seed: -1 } } }), /Node 5 \(KSampler\): "seed".*2\^64/],
  [
    'a file that is not there',
    graph({ '1': { inputs: { ckpt_name: 'other.ckpt' } } }),
    /Node 1.*no "other.ckpt" in checkpoints/,
  ],
  [
    'a path instead of a name',
    graph({ '1': { inputs: { ckpt_name: '/etc/passwd' } } }),
    /no "\/etc\/passwd" in checkpoints/,
  ],
  ['a circle', graph({ '5': { inputs: { latent_image: ['5', 0] } } }), /nodes 5 → 5 form a circle/],
  ['no output', { '1': graph()['1'] }, /no output/],
  ["the editor's format", { nodes: [], links: [] }, /editor's format.*Export \(API\)/],
  ['no graph', 'hello', /no workflow/],
  ['a node that is none', { '1': { class_type: 5 } }, /Node 1 is not a node/],
  [
    'too many pixels',
    graph({ '4': { inputs: { width: 16384, height: 16384, batch_size: 64 } } }),
    /Node 4.*pixels/,
  ],
])('%s is named before anything runs', async (_name, given, message) => {
  expect(await failure(given)).toMatch(message);
});

test('a long circle, a chain as long as a graph may be, and one that is longer', async () => {
  const chain = (count: number, last: readonly [string, number]): TestGraph =>
    Object.fromEntries([
      ['out', { class_type: 'SaveImage', inputs: { images: ['n0', 0] } }],
      ...Array.from({ length: count }, (_, i) => [
        `n${i}`,
        {
          class_type: 'RepeatImageBatch',
          inputs: { amount: 1, image: i + 1 < count ? [`n${i + 1}`, 0] : last },
        },
      ]),
    ]);
  expect(await failure(chain(500, ['n0', 0]))).toMatch(/circle/);
  expect(await failure(chain(998, ['nowhere', 0]))).toMatch(/nowhere/);
  expect(await failure(chain(1500, ['nowhere', 0]))).toMatch(/1501 nodes; 1000 are allowed/);
});

test("inputs of ComfyUI's other versions are passed over", async () => {
  const extra = graph({
    '5': { inputs: { preview_method: 'auto', strange: ['99', 3], nested: [[[[[]]]]] } },
  });
  const { images } = await engine.run(extra);
  expect(images).toHaveLength(1);
  const wrapped = { prompt: graph(), client_id: 'x' };
  expect((await engine.run(wrapped)).images[0]!.image.data).toEqual(images[0]!.image.data);
});
