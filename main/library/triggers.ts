/** Trigger words and tags from what trainers write into a LoRA (kohya `ss_tag_frequency`, SAI ModelSpec). */
import { objectOf } from './loose.ts';

export interface TagCount {
  readonly tag: string;
  readonly count: number;
}

export interface FoundTriggers {
  readonly triggers: readonly string[];
  /** True where they are a guess from training tags. */
  readonly guessed: boolean;
  readonly tagFrequency: readonly TagCount[];
}

const MAX_TAGS = 500;
const MAX_TRIGGERS = 8;
/** Tags that are this long on average are sentences: count their words instead. */
const SENTENCE_LENGTH = 16;
/** A tag on nearly all pictures names what was trained. */
const ALWAYS = 0.9;

/** Stated words (`modelspec.trigger_phrase`) win over guesses from the training tags. */
export function findTriggers(metadata: Readonly<Record<string, string>>): FoundTriggers {
  const { tags, pictures } = readTags(metadata);
  const tagFrequency = tags.slice(0, MAX_TAGS);
  const stated = splitPhrases(metadata['modelspec.trigger_phrase'] ?? '');
  if (stated.length > 0) return { triggers: stated, guessed: false, tagFrequency };
  const always = tags.filter(({ count }) => pictures > 0 && count >= pictures * ALWAYS);
  const triggers = always.slice(0, MAX_TRIGGERS).map(({ tag }) => tag);
  return { triggers, guessed: triggers.length > 0, tagFrequency };
}

/** "a, b" → ["a", "b"], without empty ones. */
export function splitPhrases(text: string): string[] {
  const phrases = text.split(/[,\n]/).map((phrase) => phrase.trim());
  return [...new Set(phrases.filter((phrase) => phrase !== ''))];
}

function readTags(metadata: Readonly<Record<string, string>>): { tags: TagCount[]; pictures: number } {
  const folders = objectOf(parsed(metadata['ss_tag_frequency']));
  const counts = new Map<string, number>();
  for (const folder of Object.values(folders)) {
    for (const [tag, count] of Object.entries(objectOf(folder))) {
      if (typeof count === 'number') add(counts, tag.trim(), count);
    }
  }
  const length = [...counts.keys()].reduce((sum, tag) => sum + tag.length, 0) / Math.max(1, counts.size);
  return {
    tags: sorted(length >= SENTENCE_LENGTH ? wordsOf(counts) : counts),
    pictures: pictureCount(metadata),
  };
}

function wordsOf(sentences: ReadonlyMap<string, number>): Map<string, number> {
  const words = new Map<string, number>();
  for (const [sentence, count] of sentences) {
    for (const word of new Set(sentence.toLowerCase().match(/[\p{L}\p{N}_-]{3,}/gu))) add(words, word, count);
  }
  return words;
}

function add(counts: Map<string, number>, key: string, count: number): void {
  if (key !== '') counts.set(key, (counts.get(key) ?? 0) + count);
}

function sorted(counts: ReadonlyMap<string, number>): TagCount[] {
  return [...counts]
    .map(([tag, count]) => ({ tag, count }))
    .sort((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1));
}

/** Training pictures without repeats: from ss_dataset_dirs, else ss_num_train_images. */
function pictureCount(metadata: Readonly<Record<string, string>>): number {
  const folders = Object.values(objectOf(parsed(metadata['ss_dataset_dirs'])));
  const counted = folders.reduce<number>((sum, folder) => sum + numberOf(objectOf(folder)['img_count']), 0);
  return counted || numberOf(Number(metadata['ss_num_train_images']));
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '{}');
  } catch {
    return {};
  }
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
