/** Files that other tools lay beside a model: preview picture, Civitai's and A1111's JSON, description. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { StudioError } from '../../preload/errors.ts';
import type { ModelCard } from '../../preload/models.ts';
import { writeDurably } from '../storage/fileStore.ts';
import { objectOf, textOf } from './loose.ts';
import { splitPhrases } from './triggers.ts';

export interface Sidecars {
  readonly preview: string | null;
  readonly description: string;
  readonly triggers: readonly string[];
  readonly notes: string;
  readonly weight: number | null;
  readonly negativePrompt: string;
  readonly title: string;
  /** Newest change among them in ms; 0 without any. */
  readonly modified: number;
}

const PREVIEW_ENDINGS = ['png', 'jpg', 'jpeg', 'webp', 'gif'].flatMap((ext) => [
  `.${ext}`,
  `.preview.${ext}`,
]);
const MAX_JSON_BYTES = 4 << 20;
const MAX_TEXT = 20_000;

/** `siblings`: the names in the model's folder, listed once for all its models. */
export function readSidecars(modelPath: string, siblings: ReadonlySet<string>): Sidecars {
  const stem = basename(modelPath, extname(modelPath));
  const beside = (ending: string) =>
    siblings.has(stem + ending) ? join(dirname(modelPath), stem + ending) : null;
  const previewEnding = PREVIEW_ENDINGS.find((ending) => siblings.has(stem + ending));
  const preview = previewEnding === undefined ? null : beside(previewEnding);
  const files = {
    civitai: beside('.civitai.info'),
    a1111: beside('.json'),
    text: beside('.description.txt') ?? beside('.txt'),
  };
  const civitai = readJson(files.civitai);
  const a1111 = readJson(files.a1111);
  const modelOf = objectOf(civitai['model']);
  return {
    preview,
    description: plainText(
      textOf(a1111['description']) || textOf(civitai['description']) || readText(files.text),
    ),
    triggers: [...listOf(civitai['trainedWords']), ...splitPhrases(textOf(a1111['activation text']))],
    notes: textOf(a1111['notes']).slice(0, MAX_TEXT),
    weight: weightOf(a1111['preferred weight']),
    negativePrompt: textOf(a1111['negative text']).slice(0, MAX_TEXT),
    title: textOf(modelOf['name']).slice(0, 300),
    modified: Math.max(0, ...[preview, ...Object.values(files)].map(modifiedAt)),
  };
}

/** Writes A1111's `name.json` beside the model, keeping keys that are not ours. @returns the file written. */
export function writeSidecar(card: ModelCard): string {
  const file = join(dirname(card.path), `${basename(card.path, extname(card.path))}.json`);
  const base = { sd15: 'SD1', sd21: 'SD2', sdxl: 'SDXL' } as Readonly<Record<string, string>>;
  const content = {
    ...knownSettings(file),
    'sd version': base[card.base] ?? 'Unknown',
    'activation text': card.triggers.join(', '),
    'preferred weight': card.defaults.weight ?? 0,
    'negative text': card.defaults.negativePrompt ?? '',
    notes: card.notes,
  };
  writeDurably(file, new TextEncoder().encode(`${JSON.stringify(content, null, 4)}\n`));
  return file;
}

/** What other programs keep in the file. @throws StudioError where that cannot be read: writing would lose it. */
function knownSettings(file: string): Readonly<Record<string, unknown>> {
  if (!existsSync(file)) return {};
  try {
    const known: unknown = JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
    if (typeof known === 'object' && known !== null && !Array.isArray(known)) return { ...known };
  } catch {
    // Said below, together with JSON of another kind.
  }
  throw new StudioError(
    'conflict',
    `${basename(file)} holds something other than settings.`,
    'Move it away, then write the settings again.',
  );
}

function readJson(file: string | null): Readonly<Record<string, unknown>> {
  try {
    if (file === null || statSync(file).size > MAX_JSON_BYTES) return {};
    return objectOf(JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, '')));
  } catch {
    return {}; // Another tool's broken note is no reason to refuse the model.
  }
}

function readText(file: string | null): string {
  try {
    return file === null || statSync(file).size > MAX_JSON_BYTES ? '' : readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Civitai descriptions are HTML; only their text is kept. */
function plainText(html: string): string {
  const text = html
    .replace(/<(br|\/p|\/li|\/h\d)[^>]*>/gi, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name] ?? ' ');
  return text.trim().slice(0, MAX_TEXT);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function modifiedAt(file: string | null): number {
  try {
    return file === null ? 0 : statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

function weightOf(value: unknown): number | null {
  const weight = Number(value);
  return Number.isFinite(weight) && weight !== 0 && Math.abs(weight) <= 4 ? weight : null;
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((item) => splitPhrases(textOf(item))) : [];
}
