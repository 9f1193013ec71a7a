/** The plain prompts of every combination, embedded once: what a picture is told apart from. */
import type { ParameterSet } from '../../parameters.ts';
import { canonicalPrompt } from '../../world/captions.ts';
import { allCombinations, type Combination, type Scene } from '../../world/scene.ts';
import { textTable } from './judge.ts';
import { liveTowers } from './towers.ts';

export interface EmbeddedPrompts {
  /** [count, 128], unit vectors. */
  readonly embeddings: Float32Array<ArrayBuffer>;
  /** [scenes.length, count]: 1 at the prompt of a scene with one object, nothing for other scenes. */
  wanted(scenes: readonly Scene[]): Float32Array<ArrayBuffer>;
}

/** Embeds the prompts of all combinations with the text half of `pair`. */
export async function embeddedPrompts(pair: ParameterSet): Promise<EmbeddedPrompts> {
  const prompts = allCombinations().map((combination) => canonicalPrompt(sceneOf(combination)));
  const towers = await liveTowers(pair);
  const table = await textTable(towers, prompts);
  await Promise.all([towers.image.release(), towers.text.release()]);
  const [count, width] = [prompts.length, table.get(prompts[0]!)!.length];
  const embeddings = new Float32Array(count * width);
  for (const [row, prompt] of prompts.entries()) embeddings.set(table.get(prompt)!, row * width);
  const rowOf = new Map(prompts.map((prompt, row) => [prompt, row]));
  return {
    embeddings,
    wanted: (scenes) => {
      const target = new Float32Array(scenes.length * count);
      for (const [item, scene] of scenes.entries()) {
        const row = scene.objects.length === 1 ? rowOf.get(canonicalPrompt(scene)) : undefined;
        if (row !== undefined) target[item * count + row] = 1;
      }
      return target;
    },
  };
}

/** The plain prompt says nothing of size and place. */
function sceneOf({ sky, ground, kind, colour }: Combination): Scene {
  const object = { kind, colour, place: 'centre', size: 'medium', x: 0.5, extent: 0.5 } as const;
  return { seed: 0, sky, ground, background: 'none', light: 'left', objects: [object] };
}
