/** The style LoRA's proof: pictures with it at weight 1 are of another style, at weight 0 they are the same to the bit. */
import { kohyaUnetNames } from '../../../native-models/training/kohyaNames.ts';
import { copyParameters, type ParameterSet } from '../parameters.ts';
import { canonicalPrompt } from '../world/captions.ts';
import { sceneAt } from '../world/dataset.ts';
import { WOODCUT_TRIGGER } from '../world/draw.ts';
import { type StarterModels, samplePictures } from './denoise/sampling.ts';
import { importPart } from './importer.ts';
import { PICTURE_SIZE, STARTER_UNET } from './models.ts';
import type { Proof } from './proofs.ts';

const AREA = PICTURE_SIZE ** 2;

/** A copy of the U-Net with weight · alpha/rank · up·down added to every layer the LoRA file has a pair for. */
export function withLora(unet: ParameterSet, path: string, weight: number): ParameterSet {
  const lora = importPart(path, '').views;
  const nameOf = kohyaUnetNames(STARTER_UNET);
  const changed = copyParameters(unet);
  for (const [name, values] of changed.views) {
    if (!/attn|\.ff\./.test(name) || !name.endsWith('.weight')) continue;
    const pair = nameOf(name.slice(0, -'.weight'.length));
    const [down, up] = [lora.get(`${pair}.lora_down.weight`), lora.get(`${pair}.lora_up.weight`)];
    if (!down || !up) continue;
    const [outFeatures, inFeatures] = changed.shapes.get(name) as [number, number];
    const rank = down.length / inFeatures;
    const scale = (weight * (lora.get(`${pair}.alpha`)?.[0] ?? rank)) / rank;
    for (let row = 0; row < outFeatures; row++)
      for (let column = 0; column < inFeatures; column++) {
        let sum = 0;
        for (let k = 0; k < rank; k++) sum += up[row * rank + k]! * down[k * inFeatures + column]!;
        values[row * inFeatures + column]! += scale * sum;
      }
  }
  return changed;
}

/** Woodcuts have one ink: how colourful pictures are with and without the LoRA, and how far they are apart. */
export async function styleLora(models: StarterModels, path: string, count: number): Promise<Proof> {
  const scenes = Array.from({ length: count }, (_, index) => sceneAt(4000 + index, 'heldOut'));
  const prompts = scenes.map((scene) => `${WOODCUT_TRIGGER}, ${canonicalPrompt(scene)}`);
  const paint = (unet: ParameterSet): Promise<Float32Array<ArrayBuffer>> =>
    samplePictures({ ...models, unet }, prompts, { steps: 20, guidanceScale: 4, seed: 1 });
  const plain = await paint(models.unet);
  const [at0, at1] = [
    await paint(withLora(models.unet, path, 0)),
    await paint(withLora(models.unet, path, 1)),
  ];
  const figures = {
    'change at weight 0': distance(plain, at0),
    'change at weight 1': distance(plain, at1),
    'colourfulness without': colourfulness(plain),
    'colourfulness at weight 1': colourfulness(at1),
  };
  return { figures, pictures: at1, prompts };
}

function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

/** Mean spread of red, green and blue in a pixel, of −1…1. */
function colourfulness(pictures: Float32Array): number {
  const pixels = pictures.length / 3;
  let sum = 0;
  for (let i = 0; i < pixels; i++) {
    const at = Math.floor(i / AREA) * 3 * AREA + (i % AREA);
    const colours = [0, 1, 2].map((channel) => pictures[at + channel * AREA]!);
    sum += Math.max(...colours) - Math.min(...colours);
  }
  return sum / pixels;
}
