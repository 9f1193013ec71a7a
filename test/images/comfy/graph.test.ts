import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linkFrom, looseGraph, parsePythonJson, pythonJson } from '../../../main/images/comfy/graph.ts';

test("the text is Python's json.dumps", () => {
  expect(
    pythonJson({ a: [1, 'ü猫\u007f"\n', true, null, 0.5], b: { c: 18446744073709551615n }, d: undefined }),
  ).toBe('{"a": [1, "\\u00fc\\u732b\\u007f\\"\\n", true, null, 0.5], "b": {"c": 18446744073709551615}}');
});

test('what is written is read back, whole numbers of 64 bits too', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.bigInt({ min: 2n ** 60n, max: 2n ** 64n }), (value, seed) => {
      expect(pythonJson(parsePythonJson(pythonJson(value)))).toBe(pythonJson(value));
      expect(parsePythonJson(pythonJson([seed, -seed]))).toEqual([seed, -seed]);
    }),
  );
});

test('NaN and Infinity become null outside strings alone', () => {
  expect(parsePythonJson('{"a": NaN, "b": [-Infinity, Infinity], "NaN": "Infinity \\" NaN"}')).toEqual({
    a: null,
    b: [null, null],
    NaN: 'Infinity " NaN',
  });
  expect(() => parsePythonJson('{"a": Nan}')).toThrow(SyntaxError);
});

test('graphs keep the nodes that are nodes', () => {
  const graph = looseGraph({
    '1': { class_type: 'A', inputs: { x: 1 } },
    '2': { class_type: 3, inputs: {} },
    '3': 'no',
    '4': { class_type: 'B', inputs: {}, _meta: { title: 't', emulsion: { rng: 'nv' } } },
  });
  expect([...graph!.keys()]).toEqual(['1', '4']);
  expect(graph!.get('4')!.emulsion).toEqual({ rng: 'nv' });
  for (const value of [null, 3, [], {}, { a: {} }]) expect(looseGraph(value)).toBeUndefined();
});

test('links are an id and a slot', () => {
  expect(linkFrom(['4', 0])).toEqual(['4', 0]);
  expect(linkFrom([4, 1])).toEqual(['4', 1]);
  for (const value of ['4', [4], ['4', '0'], [4, 0, 0], null]) expect(linkFrom(value)).toBeUndefined();
});
