/** What the studio says, in the language of the window: a sentence is recognised by its words, its parameters are kept. */
import i18next from 'i18next';
import { SENTENCES } from './sentences.ts';

interface Template {
  readonly pattern: RegExp;
  /** Which parameter each group of the pattern is. */
  readonly holes: readonly number[];
  readonly chinese: string;
}

const HOLE = /\{(\d)\}/g;
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Sentences with parameters, those with the most words of their own first. */
const TEMPLATES: readonly Template[] = Object.entries(SENTENCES)
  .filter(([english]) => english.includes('{0}'))
  .sort(([a], [b]) => wordsOf(b).length - wordsOf(a).length)
  .map(([english, chinese]) => ({
    pattern: new RegExp(
      `^${english
        .split(HOLE)
        .map((part, i) => (i % 2 ? '(.+?)' : escaped(part)))
        .join('')}$`,
      's',
    ),
    holes: [...english.matchAll(HOLE)].map(([, hole]) => Number(hole)),
    chinese,
  }));

function wordsOf(english: string): string {
  return english.replaceAll(HOLE, '');
}

/** A text of the studio as the reader's language says it; English where it is not known. */
export function told(text: string, language = i18next.language): string {
  return language.startsWith('zh') ? (inChinese(text) ?? text) : text;
}

/** Null for what is not known. */
export function inChinese(text: string): string | null {
  return (
    SENTENCES[text] ??
    bySentence(text) ??
    byTemplate(text) ??
    withoutStop(text) ??
    afterName(text) ??
    inParts(text)
  );
}

/** "This is wrong. Do that." */
function bySentence(text: string): string | null {
  return joined(text.split(/(?<=[.!?]) (?=[A-Z"])/), '');
}

/** "123 GFLOP/s in float16; relative error 0.001" */
function inParts(text: string): string | null {
  return joined(text.split('; '), '；');
}

function joined(parts: readonly string[], between: string): string | null {
  if (parts.length < 2) return null;
  const all = parts.map(inChinese);
  return all.some((part) => part === null) ? null : all.join(between);
}

function byTemplate(text: string): string | null {
  for (const { pattern, holes, chinese } of TEMPLATES) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const values = new Map(holes.map((hole, i) => [hole, found[i + 1]!]));
    // A parameter may be a sentence itself: the reason of a reason.
    return chinese.replaceAll(HOLE, (_, hole) => {
      const value = values.get(Number(hole)) ?? '';
      return inChinese(value) ?? value;
    });
  }
  return null;
}

function withoutStop(text: string): string | null {
  const chinese = text.endsWith('.') ? inChinese(text.slice(0, -1)) : null;
  return chinese === null ? null : `${chinese}。`;
}

/** "boat.png: cannot be opened" */
function afterName(text: string): string | null {
  const [, name, rest] = /^([^\n]{1,200}?): (.+)$/s.exec(text) ?? [];
  const chinese = rest === undefined ? null : inChinese(rest);
  return chinese === null ? null : `${name}：${chinese}`;
}
