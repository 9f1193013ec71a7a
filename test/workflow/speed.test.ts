/** A graph's speed: read from its samplers, put into them, and honoured as an ordinary job honours it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { keepGains } from '../../main/engine/devices/packingGain.ts';
import { comfyGraph } from '../../main/images/comfy/exportGraph.ts';
import { parsePythonJson, pythonJson } from '../../main/images/comfy/graph.ts';
import { parseWorkflow } from '../../main/workflow/graph.ts';
import { speedOf, withSpeed } from '../../main/workflow/speed.ts';
import { tinyRequest } from '../helpers/tinyModel.ts';
import { bench, TINY_FILES } from '../helpers/workflows.ts';

const folder = mkdtempSync(join(tmpdir(), 'emulsion-workflow-speed-'));
const cacheDir = join(folder, 'cache');
const gain = { timeRatio: 0.5, relativeError: 1e-4 };
// Whatever this machine gains: by 8 bits, and by nothing else.
const slow = { ...gain, timeRatio: 1.3 };
keepGains(cacheDir, 1, { 8: gain, 16: slow, winograd: slow });
const engine = bench({ cacheDir });
afterAll(async () => {
  await engine.host.release();
  rmSync(folder, { recursive: true, force: true });
});

const small = { width: 128, height: 64, steps: 6 };
const graphOf = (overrides: Readonly<Record<string, unknown>>) =>
  parsePythonJson(pythonJson(comfyGraph(tinyRequest({ ...small, ...overrides }))));

test('the graph of a draft picture gives it again, integers included', async () => {
  const draft = tinyRequest({ ...small, speed: 'draft' });
  const { images: painted, notes } = await engine.generate(draft);
  const { images } = await engine.run(graphOf({ speed: 'draft' }));
  expect(notes).toEqual([]);
  expect(images[0]!.image.data).toEqual(painted[0]!.data);
  // The same shortcuts with exact weights give another picture: integers were at work in both.
  const { images: exact } = await engine.generate({ ...draft, speed: 'exact', shortcuts: draftShortcuts() });
  expect(exact[0]!.data).not.toEqual(painted[0]!.data);
});

function draftShortcuts() {
  const sampler = [...parseWorkflow(graphOf({ speed: 'draft' })).values()].find(
    ({ class_type }) => class_type === 'KSampler',
  );
  return sampler!.emulsion['shortcuts'] as Record<string, never>;
}

test('a speed put into a graph of others is that of the request, and a cached exact result is not taken for it', async () => {
  const graph = graphOf({});
  const exact = await engine.run(graph);
  const { images: painted } = await engine.generate(tinyRequest({ ...small, speed: 'draft' }));
  const draft = await engine.run(withSpeed(graph, 'draft'));
  expect(draft.images[0]!.image.data).toEqual(painted[0]!.data);
  expect(draft.images[0]!.image.data).not.toEqual(exact.images[0]!.image.data);
  const again = await engine.run(withSpeed(withSpeed(graph, 'draft'), 'exact'));
  expect(again.images[0]!.image.data).toEqual(exact.images[0]!.image.data);
});

test('a speed that this machine gains nothing by is said, as for any job', async () => {
  const { notes } = await engine.run(withSpeed(graphOf({ steps: 2 }), 'fast'), TINY_FILES);
  expect(notes).toEqual([
    expect.stringContaining('Speed "fast" keeps the weights exact: its products take 1.30 ×'),
  ]);
});

test('the most exact sampler decides; those that reach no output do not count', () => {
  const twoPasses = { secondPass: { scale: 1.5, upscaler: 'latent', denoisingStrength: 0.6 } };
  const graph = withSpeed(graphOf(twoPasses), 'draft');
  expect(speedOf(parseWorkflow(graph))).toBe('draft');
  const samplers = Object.keys(graph).filter((id) => /^KSampler/.test(classOf(graph[id])));
  expect(samplers).toHaveLength(2);
  const mixed = { ...graph, [samplers[1]!]: { ...(graph[samplers[1]!] as object), _meta: {} } };
  expect(speedOf(parseWorkflow(mixed))).toBe('exact');
  const aside = { ...graph, aside: { ...(graph[samplers[0]!] as object), _meta: {} } };
  expect(speedOf(parseWorkflow(aside))).toBe('draft');
  expect(speedOf(parseWorkflow(graphOf({})))).toBe('exact');
});

test('what is posted to /prompt keeps its nodes; other remarks on a sampler stay', () => {
  const graph = graphOf({ rng: 'nv' });
  const changed = withSpeed({ prompt: graph }, 'fast');
  expect(Object.keys(changed)).toEqual(Object.keys(graph as object));
  const sampler = Object.values(changed).find((node) => classOf(node) === 'KSampler');
  expect(sampler).toMatchObject({ _meta: { emulsion: { rng: 'nv', speed: 'fast' } } });
});

function classOf(node: unknown): string {
  return (node as { class_type: string }).class_type;
}

test('remarks that are none are replaced by what has to be said', () => {
  const sampler = (meta: unknown) => ({ class_type: 'KSampler', inputs: {}, _meta: meta });
  for (const meta of [null, 'text', [], { emulsion: null }, { emulsion: 5 }])
    expect(withSpeed({ 1: sampler(meta) }, 'draft')).toMatchObject({
      1: { _meta: { emulsion: { speed: 'draft' } } },
    });
});
