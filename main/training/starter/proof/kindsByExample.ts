/**
 * Names what a picture shows by drawn examples instead of words: a linear reading of the image encoder's embedding,
 * fitted to scenes of every kind. So it can tell kinds that the text encoder has no word for.
 */
import { sample, writePlanar } from '../../world/dataset.ts';
import type { Kind, SceneOptions } from '../../world/scene.ts';
import { drawAll } from '../data/pictures.ts';
import { leastSquares } from '../leastSquares.ts';
import type { LiveModel } from '../loop/model.ts';
import { PICTURE_SIZE } from '../models.ts';
import { PICTURE_VALUES } from './proof.ts';

/** Drawn scenes a kind to learn from, and to be tested with. */
const EXAMPLES = 96;
const TESTS = 16;
const RIDGE = 0.01;

/** A kind, or an empty scene. */
export type Shown = Kind | 'nothing';

export interface NamedByExample {
  /** Of pictures [n, 3, 128, 128] in −1…1. */
  readonly name: (pictures: Float32Array<ArrayBuffer>) => Promise<Shown[]>;
  /** Share of drawn scenes that it did not learn from and names rightly. */
  readonly accuracy: number;
}

/** `image` is the picture half of the pair. */
export async function kindsByExample(image: LiveModel, known: readonly Kind[]): Promise<NamedByExample> {
  const kinds: readonly Shown[] = [...known, 'nothing'];
  const embed = async (pictures: Float32Array<ArrayBuffer>): Promise<number[][]> => {
    const count = pictures.length / PICTURE_VALUES;
    const shape = [count, 3, PICTURE_SIZE, PICTURE_SIZE];
    const { embedding } = await image.run({ image: { values: pictures, shape } });
    const width = embedding!.length / count;
    return Array.from({ length: count }, (_, i) => [...embedding!.subarray(i * width, (i + 1) * width), 1]);
  };
  const examples = await Promise.all(kinds.map(async (kind) => embed(await drawnKind(kind, 0, EXAMPLES))));
  const fit = leastSquares(examples[0]![0]!.length, kinds.length, RIDGE);
  for (const [right, rows] of examples.entries())
    for (const row of rows)
      fit.add(
        row,
        kinds.map((_, i) => Number(i === right)),
      );
  const matrix = fit.solve();
  const nameOf = (row: readonly number[]): Shown => {
    const scores = kinds.map((_, k) => row.reduce((sum, value, i) => sum + value * matrix[i]![k]!, 0));
    return kinds[scores.indexOf(Math.max(...scores))]!;
  };
  const name: NamedByExample['name'] = async (pictures) => (await embed(pictures)).map(nameOf);
  let right = 0;
  for (const kind of kinds)
    right += (await name(await drawnKind(kind, EXAMPLES, TESTS))).filter((found) => found === kind).length;
  return { name, accuracy: right / (kinds.length * TESTS) };
}

/** Scenes with one object of the kind, or none, from number `first` on. */
async function drawnKind(kind: Shown, first: number, count: number): Promise<Float32Array<ArrayBuffer>> {
  const what: SceneOptions = kind === 'nothing' ? { count: 0 } : { kinds: [kind], count: 1 };
  const pictures = new Float32Array(count * PICTURE_VALUES);
  await drawAll(count, async (index) => {
    const { pixels } = await sample(first + index, 'unseen', what);
    writePlanar(pixels, pictures, index * PICTURE_VALUES);
  });
  return pictures;
}
