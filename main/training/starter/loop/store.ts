/** Finished parts on disk as plain float32 safetensors, so that later parts need not train or recompute them. */
import { existsSync } from 'node:fs';
import { openSafetensors } from '../../../../native-models/weights/safetensors.ts';
import { floatSource, writeSafetensors } from '../../../../native-models/weights/safetensorsWriter.ts';
import { readFloat32 } from '../../../../native-models/weights/tensors.ts';
import { createParameters, type ParameterSet } from '../../parameters.ts';

/** Writes every tensor as float32, whole or not at all. Throws WeightsError. */
export async function saveParameters(path: string, { shapes, views }: ParameterSet): Promise<void> {
  await writeSafetensors(
    path,
    [...shapes].map(([name, shape]) => floatSource(name, shape, views.get(name)!)),
  );
}

/** Every tensor of the file. Throws WeightsError when there is none or it is damaged. */
export function loadParameters(path: string): ParameterSet {
  const file = openSafetensors(path);
  const set = createParameters(new Map([...file.tensors].map(([name, { shape }]) => [name, shape])));
  for (const name of set.shapes.keys()) set.views.get(name)!.set(readFloat32(file, name));
  return set;
}

/** What `path` holds, or what `make` makes, which is then kept there. */
export async function kept(path: string, make: () => Promise<ParameterSet>): Promise<ParameterSet> {
  if (existsSync(path)) return loadParameters(path);
  const made = await make();
  await saveParameters(path, made);
  return made;
}
