/** Graphs of the reference runs, which ComfyUI's own KSampler made: the pictures of the same latents must come out. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { RawImage } from '../../main/engine/border/protocol.ts';
import { encodePixels } from '../../main/images/codec.ts';
import { fromTensor, pixelsOf } from '../../main/images/pixels.ts';
import { readTensor } from '../conformance/caseFolder.ts';
import { PLAIN_SETTINGS } from '../helpers/engineSettings.ts';
import { GOLDEN_DIR, goldenCase, goldenTensors } from '../helpers/golden.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { inpaintCheckpoint, statedCheckpoint, TINY_CHECKPOINT } from '../helpers/tinyModel.ts';
import { bench } from '../helpers/workflows.ts';

const CASE = 'cfg-txt2img-e2e';
const io = goldenTensors(CASE, 'io.safetensors');
const engine = bench();
afterAll(() => engine.host.release());

interface Run {
  readonly id: string;
  readonly seed: number;
  readonly steps: number;
  readonly cfg: number;
  readonly sampler: string;
  readonly scheduler: string;
  readonly denoise: number;
  readonly mask?: string;
  readonly positive: string;
  readonly negative: string;
  readonly clip_skip?: number;
}

const { runs } = goldenCase<{ runs: readonly Run[] }>(CASE);

/** What the reference's final latent looks like, decoded by the same VAE. */
async function reference(caseName: string, tensorName: string): Promise<readonly RawImage[]> {
  const { data, shape } = readTensor(goldenTensors(caseName, 'io.safetensors'), tensorName);
  const { networks, config } = await engine.host.open(TINY_CHECKPOINT, {
    settings: PLAIN_SETTINGS,
    pixels: 0,
    loras: [],
    signal: new AbortController().signal,
  });
  const latent = { data: data.map((value) => value * config.vae.scalingFactor), shape };
  return fromTensor(await networks.decodeLatent(latent), 'signed');
}

function largestDifference(actual: readonly RawImage[], expected: readonly RawImage[]): number {
  expect(actual.map(({ width, height }) => [width, height])).toEqual(
    expected.map(({ width, height }) => [width, height]),
  );
  return actual.reduce(
    (largest, { data }, i) =>
      data.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[i]!.data[at]!)), largest),
    0,
  );
}

async function maskFile(folder: string, name: string): Promise<string> {
  const { data, shape } = readTensor(io, name);
  const [, height, width] = shape as [number, number, number];
  const bytes = Uint8Array.from({ length: data.length * 3 }, (_, i) =>
    Math.round(data[Math.floor(i / 3)]! * 255),
  );
  const path = join(folder, `${name}.png`);
  writeFileSync(path, await encodePixels(pixelsOf(bytes, width, height, 3), 'png'));
  return path;
}

const text = (prompt: string, clip: readonly [string, number]) => ({
  class_type: 'CLIPTextEncode',
  inputs: { text: prompt, clip },
});

function graphOf(run: Run, batch: number) {
  const isInpaintModel = run.id.startsWith('inpaint9');
  const clip = run.clip_skip ? (['skip', 0] as const) : (['model', 1] as const);
  const latent = latentNodes(run, batch, isInpaintModel);
  const sides = isInpaintModel
    ? [
        ['masked', 0],
        ['masked', 1],
      ]
    : [
        ['positive', 0],
        ['negative', 0],
      ];
  const { seed, steps, cfg, sampler, scheduler, denoise } = run;
  return {
    model: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'model' } },
    skip: {
      class_type: 'CLIPSetLastLayer',
      inputs: { clip: ['model', 1], stop_at_clip_layer: -(run.clip_skip ?? 1) },
    },
    positive: text(run.positive, clip),
    negative: text(run.negative, clip),
    ...latent.nodes,
    sampler: {
      class_type: 'KSampler',
      inputs: {
        seed, steps, cfg, sampler_name: sampler, scheduler, denoise,
        model: ['model', 0], positive: sides[0], negative: sides[1], latent_image: latent.link,
      }, // biome-ignore format: one node
    },
    decoded: { class_type: 'VAEDecode', inputs: { samples: ['sampler', 0], vae: ['model', 2] } },
    saved: { class_type: 'SaveImage', inputs: { images: ['decoded', 0], filename_prefix: 'x' } },
  };
}

function latentNodes(run: Run, batch: number, isInpaintModel: boolean) {
  if (run.denoise === 1 && !run.mask) {
    const inputs = { width: 192, height: 128, batch_size: batch };
    return { nodes: { latent: { class_type: 'EmptyLatentImage', inputs } }, link: ['latent', 0] };
  }
  const nodes = {
    picture: { class_type: 'LoadImage', inputs: { image: 'image.png' } },
    mask: { class_type: 'LoadImageMask', inputs: { image: 'mask', channel: 'red' } },
    latent: { class_type: 'VAEEncode', inputs: { pixels: ['picture', 0], vae: ['model', 2] } },
  };
  if (!run.mask) return { nodes, link: ['latent', 0] };
  if (!isInpaintModel) {
    const masked = {
      class_type: 'SetLatentNoiseMask',
      inputs: { samples: ['latent', 0], mask: ['mask', 0] },
    };
    return { nodes: { ...nodes, masked }, link: ['masked', 0] };
  }
  const inputs = {
    positive: ['positive', 0], negative: ['negative', 0], vae: ['model', 2], pixels: ['picture', 0], mask: ['mask', 0],
    noise_mask: !run.id.endsWith('nomask'),
  }; // biome-ignore format: one node
  return {
    nodes: { ...nodes, masked: { class_type: 'InpaintModelConditioning', inputs } },
    link: ['masked', 2],
  };
}

test.each(runs.map((run) => [run.id, run] as const))("ComfyUI's run %s", async (id, run) => {
  const folder = tempFolder();
  const batch = io.tensors.get(`${id}.noise`)!.shape[0]!;
  const files = {
    checkpoints: {
      model: id.startsWith('inpaint9') ? await inpaintCheckpoint(folder) : await statedCheckpoint(folder),
    },
    input: {
      'image.png': join(GOLDEN_DIR, CASE, 'image.png'),
      ...(run.mask && { mask: await maskFile(folder, run.mask) }),
    },
  };
  const { images } = await engine.run(graphOf(run, batch), files);
  const expected = await reference(CASE, `${id}.latent`);
  // Soft masks lose a little by passing through a file of 8 bits.
  const allowed = run.mask === 'mask.soft' ? 3 : 1;
  expect(
    largestDifference(
      images.map(({ image }) => image),
      expected,
    ),
  ).toBeLessThanOrEqual(allowed);
});

interface ControlRun {
  readonly id: string;
  readonly strength: number;
  readonly start: number;
  readonly end: number;
  readonly seed: number;
  readonly steps: number;
  readonly cfg: number;
  readonly sampler: string;
  readonly scheduler: string;
}

test.each(goldenCase<{ e2e: readonly ControlRun[] }>('controlnet').e2e.map((run) => [run.id, run] as const))(
  "ComfyUI's run with ControlNet: %s",
  async (id, run) => {
    const { pos, neg } = goldenCase<{ prompts: Readonly<Record<'pos' | 'neg', string>> }>(CASE).prompts;
    const plain = graphOf({ ...run, id, denoise: 1, positive: pos, negative: neg }, 1);
    const graph = {
      ...plain,
      net: { class_type: 'ControlNetLoader', inputs: { control_net_name: 'net' } },
      hint: { class_type: 'LoadImage', inputs: { image: 'hint' } },
      control: {
        class_type: 'ControlNetApplyAdvanced',
        inputs: {
          positive: ['positive', 0],
          negative: ['negative', 0],
          control_net: ['net', 0],
          image: ['hint', 0],
          strength: run.strength,
          start_percent: run.start,
          end_percent: run.end,
        },
      },
      sampler: {
        ...plain.sampler,
        inputs: { ...plain.sampler.inputs, positive: ['control', 0], negative: ['control', 1] },
      },
    };
    const { images } = await engine.run(graph, {
      checkpoints: { model: await statedCheckpoint(tempFolder()) },
      controlnet: { net: join(GOLDEN_DIR, 'controlnet', 'controlnet.safetensors') },
      input: { hint: join(GOLDEN_DIR, 'controlnet', 'hint.png') },
    });
    const pictures = images.map(({ image }) => image);
    const expected = await reference('controlnet', `e2e.${id}.latent`);
    expect(largestDifference(pictures, expected)).toBeLessThanOrEqual(1);
  },
);
