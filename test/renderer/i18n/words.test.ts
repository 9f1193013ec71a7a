/** Every word on screen exists in both languages, is used, and keeps its placeholders. */
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { en } from '../../../renderer/i18n/en.ts';
import { zh } from '../../../renderer/i18n/zh.ts';

const root = new URL('../../../renderer/', import.meta.url);
const sources = globSync('**/*.{ts,tsx}', { cwd: root, exclude: ['i18n/**'] }).map((file) =>
  readFileSync(new URL(file, root), 'utf8'),
);
const keys = Object.keys(en);
const plain = (key: string) => key.replace(/_(one|other)$/, '');
const placeholders = (text: string) => [...text.matchAll(/\{\{\w+\}\}/g)].map(([name]) => name).sort();

/** Keys written out in the sources, and the beginnings of keys that are put together: t(`tool.${name}`). */
const written = new Set(
  sources.flatMap((text) => [...text.matchAll(/'([a-zA-Z0-9.-]+)'/g)].map(([, key]) => key!)),
);
const begun = sources.flatMap((text) => [...text.matchAll(/`([a-z]\w*\.)\$\{/g)].map(([, start]) => start!));

describe('words', () => {
  it('are the same keys in both languages, none empty, none left in English', () => {
    expect(Object.keys(zh)).toEqual(keys);
    for (const key of keys as (keyof typeof en)[]) {
      expect(zh[key].trim(), key).not.toBe('');
      expect(placeholders(zh[key]), key).toEqual(placeholders(en[key]));
    }
    const alike = (keys as (keyof typeof en)[]).filter((key) => zh[key] === en[key]).map((key) => en[key]);
    const names = [
      '{{count}} / {{limit}}',
      '100 %',
      'LoRA',
      'VAE',
      'ControlNet',
      'U-Net',
      'TAESD',
      'T2I-Adapter',
      'IP-Adapter',
    ];
    expect(alike.filter((word) => !names.includes(word))).toEqual([]);
  });

  it('exist for every key that the window asks for', () => {
    const known = new Set(keys.map(plain));
    const asked = sources.flatMap((text) => [...text.matchAll(/\bt\(\s*'([^']+)'/g)].map(([, key]) => key!));
    expect(asked.length).toBeGreaterThan(200);
    expect(asked.filter((key) => !known.has(key))).toEqual([]);
    for (const start of begun.filter((prefix) => sources.some((text) => text.includes(`t(\`${prefix}\${`))))
      expect(
        keys.some((key) => key.startsWith(start)),
        start,
      ).toBe(true);
  });

  it('are all used', () => {
    const unused = keys
      .map(plain)
      .filter((key) => !written.has(key) && !begun.some((start) => key.startsWith(start)));
    expect(unused).toEqual([]);
  });
});
