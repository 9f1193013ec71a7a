/** The few facts in a file's metadata that a person asks for first, whoever wrote them: kohya (ss_*) or SAI ModelSpec. */

/** Where a file recommends settings for itself, as JSON: {"steps":20,"guidanceScale":4,"width":128,"height":128}. */
export const DEFAULTS_KEY = 'emulsion.defaults';

export interface MetadataFacts {
  readonly title?: string;
  readonly author?: string;
  readonly description?: string;
  readonly license?: string;
  readonly resolution?: string;
  readonly triggerPhrase?: string;
  readonly trainedOn?: string;
  readonly networkModule?: string;
  readonly rank?: string;
  readonly alpha?: string;
  readonly epochs?: string;
  readonly steps?: string;
  readonly clipSkip?: string;
}

/** Which entries tell each fact; the first that is there wins. */
const SOURCES: Readonly<Record<keyof MetadataFacts, readonly string[]>> = {
  title: ['modelspec.title', 'ss_output_name', 'name'],
  author: ['modelspec.author'],
  description: ['modelspec.description', 'ss_training_comment'],
  license: ['modelspec.license'],
  resolution: ['modelspec.resolution', 'ss_resolution'],
  triggerPhrase: ['modelspec.trigger_phrase'],
  trainedOn: ['ss_sd_model_name', 'sd_checkpoint_name'],
  networkModule: ['ss_network_module'],
  rank: ['ss_network_dim'],
  alpha: ['ss_network_alpha'],
  epochs: ['ss_epoch'],
  steps: ['ss_steps', 'global_step', 'step'],
  clipSkip: ['ss_clip_skip'],
};

/** Metadata is untrusted: longer texts are cut. */
const MAX_LENGTH = 2000;

/** Only facts that the file states; kohya writes "None" for what it does not know. */
export function metadataFacts(metadata: Readonly<Record<string, string>>): MetadataFacts {
  const facts = Object.entries(SOURCES).flatMap(([fact, keys]) => {
    const key = keys.find((name) => Object.hasOwn(metadata, name) && !['', 'None'].includes(metadata[name]!));
    return key === undefined ? [] : [[fact, metadata[key]!.slice(0, MAX_LENGTH)] as const];
  });
  return Object.fromEntries(facts);
}
