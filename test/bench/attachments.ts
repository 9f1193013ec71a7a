/** What is attached to a checkpoint, timed: LoRA switch and step cost, ControlNet step cost, upscaling. */
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { OpenedCheckpoint } from '../../main/engine/checkpoint.ts';
import { type OpenControlNet, residualFeeds } from '../../main/engine/controls.ts';
import { createLoraStore } from '../../main/engine/loras.ts';
import { type Feeds, toOrt } from '../../main/engine/tensors.ts';
import { type OpenUpscaler, upscaleImage } from '../../main/engine/upscaler.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { zeros } from '../../main/pipeline/tensor.ts';
import { loraSites } from '../../native-models/lora/sites.ts';
import type { CheckpointConfig } from '../../native-models/models/configs.ts';
import { floatSource, writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';

const RUNS = 3;

/** Writes a LoRA of rank `rank` for every linear layer of the U-Net's transformers. */
export async function writeBenchLora(path: string, config: CheckpointConfig, rank: number): Promise<void> {
  const sites = new Set(
    loraSites(config)
      .values()
      .filter(({ path: at, shape }) => shape.length === 2 && /attn|ff|proj_/.test(at)),
  );
  const sources = [...sites]
    .filter(({ network }) => network === 'unet')
    .flatMap(({ path: at, shape: [out = 0, inputs = 0] }) => {
      const name = `lora_unet_${at.replaceAll('.', '_')}`;
      return [
        floatSource(`${name}.lora_down.weight`, [rank, inputs], wave(rank * inputs), 'F16'),
        floatSource(`${name}.lora_up.weight`, [out, rank], wave(rank * out), 'F16'),
      ];
    });
  await writeSafetensors(path, sources);
}

export interface LoraSwitch {
  /** Seconds to read a file for the first time, to come back to it, to change its weight, and to stack two. */
  readonly first: number;
  readonly again: number;
  readonly reweight: number;
  readonly stack: number;
}

/** Times the change of a job's LoRAs; no session is opened. */
export function measureLoraSwitch(config: CheckpointConfig, a: string, b: string): LoraSwitch {
  const store = createLoraStore();
  const choose = (...uses: readonly [path: string, weight: number][]): number => {
    const start = performance.now();
    store.choose(
      config,
      uses.map(([path, weight]) => ({ path, unetWeight: weight, textWeight: weight })),
    );
    return (performance.now() - start) / 1000;
  };
  choose();
  const first = choose([a, 1]);
  choose([b, 1]);
  return { first, again: choose([a, 1]), reweight: choose([a, 0.7]), stack: choose([a, 0.7], [b, 0.5]) };
}

/** Median seconds of a U-Net evaluation (batch 2) of latents `side` wide, without and with the LoRA at `path`. */
export async function measureLoraStep(
  session: InferenceSession,
  { config }: OpenedCheckpoint,
  path: string,
  side: number,
): Promise<{ readonly without: number; readonly with: number }> {
  const store = createLoraStore();
  const base = { ...evaluationFeeds(config, side), ...residualFeeds(config.unet) };
  const none = store.choose(config, []).feeds.unet();
  const used = store.choose(config, [{ path, unetWeight: 1, textWeight: 1 }]).feeds.unet();
  return {
    without: await medianSeconds(() => session.run({ ...base, ...none })),
    with: await medianSeconds(() => session.run({ ...base, ...used })),
  };
}

/** Median seconds of a ControlNet's evaluation (batch 2) of latents `side` wide. */
export function measureControlStep(
  control: OpenControlNet,
  config: CheckpointConfig,
  side: number,
): Promise<number> {
  return medianSeconds(() =>
    control.run({
      latent: zeros([2, config.unet.inChannels, side, side]),
      timestep: Float32Array.of(500, 500),
      context: zeros([2, 77, config.unet.contextDim]),
      hint: zeros([1, 3, 8 * side, 8 * side]),
    }),
  );
}

/** Output megapixels per second for a picture of side × side. */
export async function measureUpscale(upscaler: OpenUpscaler, side: number): Promise<number> {
  const picture = pixelsOf(new Uint8Array(side * side * 3).fill(100), side, side, 3);
  const seconds = await medianSeconds(() => upscaleImage(picture, upscaler));
  return (side * upscaler.config.scale) ** 2 / 1e6 / seconds;
}

function evaluationFeeds({ unet }: CheckpointConfig, side: number): Feeds {
  const latent = { data: wave(2 * unet.inChannels * side * side), shape: [2, unet.inChannels, side, side] };
  const context = { data: wave(2 * 77 * unet.contextDim), shape: [2, 77, unet.contextDim] };
  return {
    latent: toOrt(latent),
    timestep: new Tensor('float32', Float32Array.of(500, 500), [2]),
    context: toOrt(context),
  };
}

async function medianSeconds(run: () => Promise<unknown>): Promise<number> {
  await run();
  const seconds: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    await run();
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds.toSorted((a, b) => a - b)[RUNS >> 1]!;
}

function wave(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => 0.1 * Math.sin(i * 12.9898));
}
