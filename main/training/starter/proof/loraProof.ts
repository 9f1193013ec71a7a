/** Proofs of the LoRAs: at weight 1 they bring what they teach, a style or an object; at weight 0 they change no bit. */
import { kohyaUnetNames } from '../../../../native-models/training/kohyaNames.ts';
import { copyParameters, type ParameterSet } from '../../parameters.ts';
import { canonicalPrompt } from '../../world/captions.ts';
import { sceneAt } from '../../world/dataset.ts';
import { WOODCUT_TRIGGER } from '../../world/draw.ts';
import { KINDS, NEW_KINDS } from '../../world/scene.ts';
import { liveTowers } from '../clip/towers.ts';
import { type StarterModels, samplePictures } from '../denoise/sampling.ts';
import { importPart } from '../importer.ts';
import { PICTURE_SIZE, STARTER_UNET } from '../models.ts';
import { kindsByExample } from './kindsByExample.ts';
import { heldOutScenes, meanDifference, type Proof, rowsOf, SAMPLING } from './proof.ts';

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

/** Pictures of the prompts without the LoRA and with it at weights 0 and 1. */
async function painted(
  models: StarterModels,
  path: string,
  prompts: readonly string[],
): Promise<{ plain: Float32Array<ArrayBuffer>; at0: Float32Array; at1: Float32Array<ArrayBuffer> }> {
  const paint = (unet: ParameterSet): Promise<Float32Array<ArrayBuffer>> =>
    samplePictures({ ...models, unet }, prompts, SAMPLING);
  return {
    plain: await paint(models.unet),
    at0: await paint(withLora(models.unet, path, 0)),
    at1: await paint(withLora(models.unet, path, 1)),
  };
}

/** Woodcuts have one ink: how colourful pictures are with and without the LoRA, and how far they are apart. */
export async function styleLora(models: StarterModels, path: string, count: number): Promise<Proof> {
  const prompts = heldOutScenes(4000, count).prompts.map((prompt) => `${WOODCUT_TRIGGER}, ${prompt}`);
  const { plain, at0, at1 } = await painted(models, path, prompts);
  const figures = {
    'change at weight 0': meanDifference(plain, at0),
    'change at weight 1': meanDifference(plain, at1),
    'colourfulness without': colourfulness(plain),
    'colourfulness at weight 1': colourfulness(at1),
  };
  return { figures, grid: rowsOf(8, plain, at1) };
}

/** Asked for what the checkpoint never saw: how many pictures show it, as drawn examples tell. */
export async function objectLora(models: StarterModels, path: string, count: number): Promise<Proof> {
  const kinds = [...KINDS, ...NEW_KINDS];
  const [taught] = NEW_KINDS;
  const scenes = Array.from({ length: count }, (_, index) =>
    sceneAt(5000 + index, 'train', { kinds: NEW_KINDS, count: 1 }),
  );
  const prompts = scenes.map((scene) => canonicalPrompt(scene));
  const { plain, at0, at1 } = await painted(models, path, prompts);
  const towers = await liveTowers(models.clip);
  const { name, accuracy } = await kindsByExample(towers.image, kinds);
  const share = async (pictures: Float32Array<ArrayBuffer>): Promise<number> =>
    (await name(pictures)).filter((kind) => kind === taught).length / count;
  const figures = {
    'change at weight 0': meanDifference(plain, at0),
    [`${taught}s at weight 0`]: await share(plain),
    [`${taught}s at weight 1`]: await share(at1),
    'drawn scenes named rightly by the examples': accuracy,
  };
  await Promise.all([towers.image.release(), towers.text.release()]);
  return { figures, grid: rowsOf(8, plain, at1) };
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
