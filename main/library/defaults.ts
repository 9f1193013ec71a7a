/** The settings a model's file recommends for itself: JSON of a card's defaults in its metadata. */
import { DEFAULTS_KEY } from '../../native-models/inspect/metadata.ts';
import { type ModelDefaults, modelDefaultsSchema } from '../../preload/models.ts';

/** None where the file says nothing or what no card could hold: a recommendation is no reason to refuse a file. */
export function statedDefaults(metadata: Readonly<Record<string, string>>): ModelDefaults {
  return modelDefaultsSchema.safeParse(parsed(metadata[DEFAULTS_KEY])).data ?? {};
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
