/**
 * The text A1111 and its kin write into pictures: the prompt, `Negative prompt: …`, and one line of `Key: value` pairs.
 * Reading and writing of the layout alone; what the keys mean is infotextRead's and infotextWrite's.
 */

export interface Infotext {
  readonly prompt: string;
  readonly negativePrompt: string;
  /** In the order written; of equal keys the last counts, as in A1111. JSON that Civitai and others append unquoted (`Hashes: {…}`) is here as its text. */
  readonly fields: ReadonlyMap<string, string>;
}

const NEGATIVE = 'Negative prompt:';
/** A last line with fewer pairs than this is still prompt. */
const MIN_FIELDS = 3;
/** Balanced-brace scans that may fail before braces are taken for ordinary text: keeps reading linear in the text's length. */
const MAX_BAD_SCANS = 8;

/** Splits a parameters text; any text gives a result, in time linear in its length. */
export function parseInfotext(text: string): Infotext {
  const lines = text.trim().split('\n');
  const last = parseFields(lines.at(-1) ?? '');
  const isParameters = last.count >= MIN_FIELDS;
  const body = (isParameters ? lines.slice(0, -1) : lines).map((line) => line.trim());
  const split = body.findIndex((line) => line.startsWith(NEGATIVE));
  const prompt = split < 0 ? body : body.slice(0, split);
  // Every later line that begins so loses the words as well, as in A1111.
  const negative = (split < 0 ? [] : body.slice(split)).map((line) =>
    line.startsWith(NEGATIVE) ? line.slice(NEGATIVE.length).trim() : line,
  );
  return {
    prompt: joined(prompt),
    negativePrompt: joined(negative),
    fields: isParameters ? last.fields : new Map(),
  };
}

/** The text of an Infotext; values that hold a comma, a colon or a line break are quoted as JSON. */
export function formatInfotext({ prompt, negativePrompt, fields }: Infotext): string {
  const pairs = [...fields].map(([key, value]) => (key === value ? key : `${key}: ${quoted(value)}`));
  const negative = negativePrompt === '' ? '' : `\n${NEGATIVE} ${negativePrompt}`;
  return `${prompt}${negative}\n${pairs.join(', ')}`.trim();
}

/** A1111 quotes for comma, colon and line break; what would otherwise read back differently is quoted too. */
export function quoted(value: string): string {
  return /[,:\n]|^["{[]|^\s|\s$/.test(value) ? JSON.stringify(value) : value;
}

/** The pairs of one line, each by the rules of the parameters line (also used for the text inside `ControlNet 0`). */
export function parseFields(line: string): { fields: ReadonlyMap<string, string>; count: number } {
  const fields = new Map<string, string>();
  let count = 0;
  let badScans = 0;
  for (let at = 0; at < line.length; ) {
    const key = nextKey(line, at);
    if (!key) break;
    const start = skipSpace(line, key.end);
    const json = badScans < MAX_BAD_SCANS ? jsonAt(line, start) : undefined;
    if (json === undefined && /[{[]/.test(line[start] ?? '')) badScans++;
    const value = json ?? quotedAt(line, start) ?? plainAt(line, start);
    count++;
    fields.set(key.name, value.text);
    at = start + value.raw.length + 1;
  }
  return { fields, count };
}

/** Like JavaScript's Array.join, but lines before the first text leave no line break (A1111 drops leading empty lines). */
function joined(lines: readonly string[]): string {
  return lines.reduce((text, line) => (text === '' ? line : `${text}\n${line}`), '');
}

const WORD = /[\p{L}\p{N}_]/u;
const KEY = /[\p{L}\p{N}_ \-/]/u;

/** The next key: a run of word characters, spaces, hyphens and slashes that begins with a word character and ends at a colon. */
function nextKey(line: string, from: number): { name: string; end: number } | undefined {
  let start = -1;
  for (let i = from; i < line.length; i++) {
    const char = line[i]!;
    if (char === ':' && start >= 0 && i - start >= 2) return { name: line.slice(start, i), end: i + 1 };
    if (!KEY.test(char)) start = -1;
    else if (start < 0 && WORD.test(char)) start = i;
  }
  return undefined;
}

interface Value {
  /** What the value says. */
  readonly text: string;
  /** As it stands in the line. */
  readonly raw: string;
}

/** A quoted value that ends at a comma or the line's end; its text as JSON reads it, or as it stands. */
function quotedAt(line: string, start: number): Value | undefined {
  if (line[start] !== '"') return undefined;
  let end = start + 1;
  while (end < line.length && line[end] !== '"') end += line[end] === '\\' ? 2 : 1;
  if (end >= line.length || !endsValue(line, end + 1)) return undefined;
  const raw = line.slice(start, end + 1);
  return { text: unquoted(raw), raw };
}

/** A JSON object or list by balanced braces, strings minded, if it ends at a comma or the line's end. */
function jsonAt(line: string, start: number): Value | undefined {
  if (line[start] !== '{' && line[start] !== '[') return undefined;
  let depth = 0;
  for (let i = start; i < line.length; i++) {
    const char = line[i];
    if (char === '"') {
      for (i++; i < line.length && line[i] !== '"'; i++) if (line[i] === '\\') i++;
    } else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) {
      const raw = line.slice(start, i + 1);
      return endsValue(line, i + 1) && isJson(raw) ? { text: raw, raw } : undefined;
    }
  }
  return undefined;
}

function plainAt(line: string, start: number): Value {
  const comma = line.indexOf(',', start);
  const raw = line.slice(start, comma < 0 ? line.length : comma);
  return { text: raw.trim(), raw };
}

function endsValue(line: string, at: number): boolean {
  return at >= line.length || line[at] === ',';
}

function skipSpace(line: string, from: number): number {
  let at = from;
  while (at < line.length && /\s/.test(line[at]!)) at++;
  return at;
}

function unquoted(raw: string): string {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === 'string' ? value : raw;
  } catch {
    return raw;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
