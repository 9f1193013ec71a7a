import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatInfotext, parseFields, parseInfotext } from '../../../main/images/recall/infotext.ts';

const A1111 = `masterpiece, (cat:1.2),
sitting
Negative prompt: blurry,
low quality
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 1234567890, Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned, Lora hashes: "add_detail: 7c6bad76eb54, b: 1234567890ab", Version: v1.10.1`;

test('the layout: prompt, negative prompt, parameters', () => {
  const { prompt, negativePrompt, fields } = parseInfotext(A1111);
  expect(prompt).toBe('masterpiece, (cat:1.2),\nsitting');
  expect(negativePrompt).toBe('blurry,\nlow quality');
  expect(Object.fromEntries(fields)).toEqual({
    Steps: '20',
    Sampler: 'DPM++ 2M',
    'Schedule type': 'Karras',
    'CFG scale': '7',
    Seed: '1234567890',
    Size: '512x768',
    'Model hash': '6ce0161689',
    Model: 'v1-5-pruned',
    'Lora hashes': 'add_detail: 7c6bad76eb54, b: 1234567890ab',
    Version: 'v1.10.1',
  });
});

test('a last line with fewer than three pairs is prompt', () => {
  expect(parseInfotext('a cat\nSteps: 20, Seed: 1')).toMatchObject({ prompt: 'a cat\nSteps: 20, Seed: 1' });
  expect(parseInfotext('a cat\nSteps: 20, Seed: 1, Size: 8x8').prompt).toBe('a cat');
  expect(parseInfotext('')).toEqual({ prompt: '', negativePrompt: '', fields: new Map() });
});

test('the pairs are those of the reference expression', () => {
  // Python's \w is Unicode.
  const reference = /\s*([\p{L}\p{N}_][\p{L}\p{N}_ \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/gu;
  const piece = fc.constantFrom(
    'Steps',
    'Größe-1',
    'a',
    ' ',
    ':',
    ',',
    '"',
    '\\',
    'b/c',
    '-',
    '7',
    'x y',
    '(',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const line = pieces.join('');
      const pairs = [...line.matchAll(reference)];
      const { fields, count } = parseFields(line);
      expect(count).toBe(pairs.length);
      expect([...fields.keys()]).toEqual([...new Set(pairs.map(([, key]) => key))]);
    }),
    { numRuns: 3000 },
  );
});

test('of equal keys the last counts, as in A1111', () => {
  expect(parseFields('Steps: 1, Seed: 2, Steps: 3').fields.get('Steps')).toBe('3');
});

test('quoted values are JSON, broken quotes stay as they are', () => {
  const { fields } = parseFields('Ab: "x, \\"y\\": \\n z", Cd: "open, Ef: "", Gh: "bad \\q escape"');
  expect(Object.fromEntries(fields)).toEqual({
    Ab: 'x, "y": \n z',
    Cd: '"open',
    Ef: '',
    Gh: '"bad \\q escape"',
  });
});

test("Civitai's JSON is cut out by balanced braces", () => {
  const json = '{"model": "abc", "lora:x": "d}e", "n": [1, 2]}';
  const { fields } = parseFields(
    `Steps: 5, Hashes: ${json}, Civitai resources: [{"a": "Size: 1, b"}], Size: 8x8`,
  );
  expect(fields.get('Hashes')).toBe(json);
  expect(fields.get('Civitai resources')).toBe('[{"a": "Size: 1, b"}]');
  expect([...fields.keys()]).toEqual(['Steps', 'Hashes', 'Civitai resources', 'Size']);
  expect(parseFields('Tile: [a, Steps: 3').fields.get('Steps')).toBe('3');
});

test('what is written is read back', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((s) => s.replace(/[\n\r]/g, ' ').trim());
  const fields = fc.dictionary(
    fc.constantFrom('Steps', 'Model', 'Hires upscale', 'Größe', 'A/b-c'),
    fc.string({ unit: 'grapheme' }),
    {
      minKeys: 3,
    },
  );
  fc.assert(
    fc.property(line, line, fields, (prompt, negativePrompt, values) => {
      fc.pre(!/^Negative prompt:/.test(prompt) && !/^Negative prompt:/.test(negativePrompt));
      fc.pre(Object.entries(values).every(([key, value]) => key !== value));
      const infotext = { prompt, negativePrompt, fields: new Map(Object.entries(values)) };
      expect(parseInfotext(formatInfotext(infotext))).toEqual(infotext);
    }),
    { numRuns: 1000 },
  );
});

test('reading takes time in proportion to the text, whatever it is', () => {
  const hostile = ['a', 'a b:"', 'ab:{', 'ab:["', ': ', 'aa:', '\\"', 'ab:"\\', '{"a":', '"'];
  const start = performance.now();
  for (const piece of hostile) parseInfotext(piece.repeat(Math.floor(1_000_000 / piece.length)));
  expect(performance.now() - start).toBeLessThan(8000);
});
