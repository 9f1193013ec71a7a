/**
 * Emphasis by ComfyUI's rules: "(x)" multiplies by 1.1, "(x:w)" sets the weight to w whatever surrounds it,
 * "\(" and "\)" are plain parentheses; square brackets and BREAK mean nothing.
 */
import { clampWeight, MAX_DEPTH, parseNumber, type WeightedText } from './weightedText.ts';

const PARENTHESES_FACTOR = 1.1;

/** Stand-ins (code points that no text may contain) for escaped parentheses while groups are being found. */
const ESCAPED_OPEN = '\uFDD0';
const ESCAPED_CLOSE = '\uFDD1';

/** Parses `prompt`; never throws. A group that is not closed stays text. An empty prompt has no pieces. */
export function parseComfyPrompt(prompt: string): WeightedText[] {
  const escaped = prompt.replaceAll('\\)', ESCAPED_CLOSE).replaceAll('\\(', ESCAPED_OPEN);
  return weighGroups(escaped, 1, 0).map(({ text, weight }) => ({
    text: text.replaceAll(ESCAPED_CLOSE, ')').replaceAll(ESCAPED_OPEN, '('),
    weight,
  }));
}

function weighGroups(text: string, weight: number, depth: number): WeightedText[] {
  return topLevelGroups(text).flatMap((item) => {
    const isGroup = item.length >= 2 && item.startsWith('(') && item.endsWith(')') && depth < MAX_DEPTH;
    if (!isGroup) return [{ text: item, weight }];
    const group = readGroup(item.slice(1, -1), weight);
    return weighGroups(group.text, group.weight, depth + 1);
  });
}

/** The inside of a group: an explicit weight after the last colon replaces the outer one. */
function readGroup(inside: string, outerWeight: number): WeightedText {
  const colon = inside.lastIndexOf(':');
  const explicit = colon > 0 ? parseNumber(inside.slice(colon + 1)) : undefined;
  if (explicit === undefined) return { text: inside, weight: clampWeight(outerWeight * PARENTHESES_FACTOR) };
  return { text: inside.slice(0, colon), weight: clampWeight(explicit) };
}

/** Cuts `text` before each "(" at depth 0 and behind the ")" that returns to it; a stray ")" takes the depth below 0. */
function topLevelGroups(text: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let start = 0;
  const cutAt = (end: number): void => {
    if (end > start) items.push(text.slice(start, end));
    start = end;
  };
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') {
      if (depth === 0) cutAt(i);
      depth++;
    } else if (text[i] === ')') {
      depth--;
      if (depth === 0) cutAt(i + 1);
    }
  }
  cutAt(text.length);
  return items;
}
