/** What in a prompt means more than its words: weights, LoRA tags, chunk breaks, trigger words. For the eye only; the engine parses for itself. */

export interface Mark {
  readonly text: string;
  readonly kind: 'plain' | 'weight' | 'tag' | 'break' | 'trigger';
}

export interface PromptRules {
  /** A1111 also reads [brackets] as less weight; ComfyUI takes them for letters. */
  readonly emphasis: 'comfy' | 'a1111';
  /** Words that call a LoRA. */
  readonly triggers: readonly string[];
}

/** The prompt cut into pieces; put together they are the prompt again. */
export function markPrompt(text: string, { emphasis, triggers }: PromptRules): Mark[] {
  const marks: Mark[] = [];
  const add = (piece: string, kind: Mark['kind']) => {
    if (piece !== '') marks.push({ text: piece, kind });
  };
  let plain = 0;
  for (let i = 0; i < text.length; ) {
    const end = endOfGroup(text, i, emphasis);
    if (end === null) {
      i += text[i] === '\\' ? 2 : 1;
      continue;
    }
    marks.push(...wordsOf(text.slice(plain, i), triggers));
    add(text.slice(i, end), text[i] === '<' ? 'tag' : 'weight');
    plain = end;
    i = end;
  }
  marks.push(...wordsOf(text.slice(plain), triggers));
  return marks;
}

const TAG = /^<(?:lora|lyco|hypernet):[^<>]+>/i;
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']' };

/** Where the group that opens at `start` ends; null when none does, or when it is never closed. */
function endOfGroup(text: string, start: number, emphasis: PromptRules['emphasis']): number | null {
  const open = text[start]!;
  if (open === '<') {
    const tag = TAG.exec(text.slice(start))?.[0];
    return tag === undefined ? null : start + tag.length;
  }
  const close = CLOSING[open];
  if (close === undefined || (open === '[' && emphasis === 'comfy')) return null;
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === open) depth++;
    else if (text[i] === close && --depth === 0) return i + 1;
  }
  return null;
}

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Breaks and trigger words of a stretch without weights. */
function wordsOf(text: string, triggers: readonly string[]): Mark[] {
  if (text === '') return [];
  const words = triggers.map((word) => word.trim()).filter((word) => word !== '');
  const known = new Set(words.map((word) => word.toLowerCase()));
  const names = ['BREAK', ...words.map(escaped)].join('|');
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])(${names})(?![\\p{L}\\p{N}_])`, 'giu');
  return text
    .split(pattern)
    .filter((piece) => piece !== '')
    .map((piece): Mark => {
      if (piece === 'BREAK') return { text: piece, kind: 'break' };
      return { text: piece, kind: known.has(piece.toLowerCase()) ? 'trigger' : 'plain' };
    });
}
