/** The judge: which of several texts that differ in one attribute a picture is nearest to. */
import { canonicalPrompt } from '../../world/captions.ts';
import { sample, writePlanar } from '../../world/dataset.ts';
import { COLOURS, GROUNDS, KINDS, type Scene, SKIES } from '../../world/scene.ts';
import { captionTokens } from '../data/captionTokens.ts';
import { drawAll } from '../data/pictures.ts';
import { PICTURE_SIZE, STARTER_TEXT } from '../models.ts';
import type { Towers } from './towers.ts';

export const ATTRIBUTES = ['sky', 'ground', 'kind', 'colour'] as const;
export type Attribute = (typeof ATTRIBUTES)[number];
/** Share of right answers by attribute, 0–1. */
export type Scores = Readonly<Record<Attribute, number>>;

/** What was asked for: a scene with one object. */
export type Asked = Pick<Scene, 'sky' | 'ground' | 'objects' | 'background' | 'light' | 'seed'>;

const VALUES = { sky: SKIES, ground: GROUNDS, kind: KINDS, colour: COLOURS } as const;

/** Judges pictures [n, 3, 128, 128] in −1…1 against what each was asked to show. */
export async function judge(
  towers: Towers,
  pictures: Float32Array<ArrayBuffer>,
  asked: readonly Asked[],
): Promise<Scores> {
  const shape = [asked.length, 3, PICTURE_SIZE, PICTURE_SIZE];
  const { embedding } = await towers.image.run({ image: { values: pictures, shape } });
  const width = embedding!.length / asked.length;
  const right: Record<Attribute, number> = { sky: 0, ground: 0, kind: 0, colour: 0 };
  const texts = await textTable(
    towers,
    asked.flatMap((scene) => ATTRIBUTES.flatMap((attribute) => variants(scene, attribute))),
  );
  for (const [item, scene] of asked.entries()) {
    const picture = embedding!.subarray(item * width, (item + 1) * width);
    for (const attribute of ATTRIBUTES) {
      const scores = variants(scene, attribute).map((text) => dot(picture, texts.get(text)!));
      const best = scores.indexOf(Math.max(...scores));
      if (VALUES[attribute][best] === attributeOf(scene, attribute)) right[attribute] += 1 / asked.length;
    }
  }
  return right;
}

/** How often the judge itself is right on `count` drawn scenes in the combinations that the painter never saw. */
export async function judgeAccuracy(towers: Towers, count: number): Promise<Scores> {
  const drawn = await drawAll(count, (index) => sample(index, 'heldOut'));
  const size = 3 * PICTURE_SIZE ** 2;
  const pictures = new Float32Array(count * size);
  for (const [index, { pixels }] of drawn.entries()) writePlanar(pixels, pictures, index * size);
  return judge(
    towers,
    pictures,
    drawn.map(({ scene }) => scene),
  );
}

/** The plain prompt of a scene with one attribute at each of its values. */
function variants(scene: Asked, attribute: Attribute): string[] {
  return VALUES[attribute].map((value) => canonicalPrompt(changed(scene, attribute, value)));
}

function changed(scene: Asked, attribute: Attribute, value: string): Scene {
  if (attribute === 'sky' || attribute === 'ground') return { ...scene, [attribute]: value };
  return { ...scene, objects: scene.objects.map((object) => ({ ...object, [attribute]: value })) };
}

function attributeOf(scene: Asked, attribute: Attribute): string {
  return attribute === 'sky' || attribute === 'ground' ? scene[attribute] : scene.objects[0]![attribute];
}

/** Embeddings of the texts by text. */
export async function textTable(
  towers: Towers,
  texts: readonly string[],
): Promise<Map<string, Float32Array>> {
  const unique = [...new Set(texts)];
  const table = new Map<string, Float32Array>();
  for (let first = 0; first < unique.length; first += 128) {
    const part = unique.slice(first, first + 128);
    const values = captionTokens(part, STARTER_TEXT.contextLength);
    const { embedding } = await towers.text.run({
      tokenIds: { values, shape: [part.length, STARTER_TEXT.contextLength] },
    });
    const width = embedding!.length / part.length;
    for (const [i, text] of part.entries()) table.set(text, embedding!.slice(i * width, (i + 1) * width));
  }
  return table;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
