/** Graphs that cannot be painted are refused when they are posted, in ComfyUI's form; nothing of them is queued. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeKinds } from '../../main/compat/comfy/nodes.ts';
import { readImageMetadata } from '../../main/images/metadata/read.ts';
import { KNOWN_NODES, kindOf } from '../../main/workflow/registry.ts';
import { startStudio } from '../helpers/studio.ts';
import { tinyRequest } from '../helpers/tinyModel.ts';

type Nodes = Record<string, { class_type?: unknown; inputs?: Record<string, unknown> }>;

/** The graph of ComfyUI's own example, with inputs of its nodes changed; undefined leaves one out. */
function graph(changes: Readonly<Record<string, Record<string, unknown>>> = {}, more: Nodes = {}): Nodes {
  const nodes: Nodes = {
    '3': {
      class_type: 'KSampler',
      inputs: {
        ...{ seed: 5, steps: 1, cfg: 4, sampler_name: 'euler', scheduler: 'normal', denoise: 1 },
        ...{ model: ['4', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0] },
      },
    },
    '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'tiny.safetensors' } },
    '5': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
    '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a cat', clip: ['4', 1] } },
    '7': { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['4', 1] } },
    '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
    '9': { class_type: 'SaveImage', inputs: { filename_prefix: 'out', images: ['8', 0] } },
    ...more,
  };
  for (const [id, inputs] of Object.entries(changes)) Object.assign(nodes[id]!.inputs!, inputs);
  return nodes;
}

interface Refusal {
  readonly error: { type: string; message: string; details: string; extra_info: object };
  readonly node_errors: Record<string, { errors: object[]; dependent_outputs: string[]; class_type: string }>;
}

async function setUp() {
  const { origin, server, ...studio } = await startStudio();
  const post = (prompt: unknown) =>
    fetch(`${origin}/prompt`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt }),
    });
  const refused = async (prompt: unknown): Promise<Refusal> => {
    const answer = await post(prompt);
    const body = (await answer.json()) as Refusal;
    expect(answer.status, JSON.stringify(body)).toBe(400);
    expect(server.services.jobs.list().jobs).toEqual([]);
    return body;
  };
  return { ...studio, origin, server, post, refused };
}

test('a value, a link or a file that cannot be is named with its node, its input and what depends on it', async () => {
  const { refused } = await setUp();
  const cases: [changes: Parameters<typeof graph>[0], node: string, error: object][] = [
    [
      { '3': { steps: 0 } },
      '3',
      { type: 'value_smaller_than_min', message: 'Value 0 smaller than min of 1' },
    ],
    [
      { '3': { cfg: '101' } },
      '3',
      { type: 'value_bigger_than_max', message: 'Value 101 bigger than max of 100' },
    ],
    [{ '5': { width: 1e9 } }, '5', { type: 'value_bigger_than_max', details: 'width' }],
    [
      { '3': { steps: 'many' } },
      '3',
      {
        type: 'invalid_input_type',
        message: 'Failed to convert an input value to a INT value',
        extra_info: { input_name: 'steps', received_value: 'many', input_config: ['INT', { min: 1 }] },
      },
    ],
    [{ '3': { denoise: null } }, '3', { type: 'invalid_input_type' }],
    [{ '6': { text: 7 } }, '6', { type: 'invalid_input_type' }],
    [
      { '3': { sampler_name: 'magic' } },
      '3',
      { type: 'value_not_in_list', message: 'Value not in list', details: /^sampler_name: 'magic' not in / },
    ],
    [{ '3': { scheduler: 5 } }, '3', { type: 'value_not_in_list' }],
    [
      { '4': { ckpt_name: 'other.ckpt' } },
      '4',
      { type: 'value_not_in_list', details: "ckpt_name: 'other.ckpt' not in ['tiny.safetensors']" },
    ],
    [
      { '3': { latent_image: undefined } },
      '3',
      {
        ...{ type: 'required_input_missing', message: 'Required input is missing', details: 'latent_image' },
        extra_info: { input_name: 'latent_image' },
      },
    ],
    [{ '6': { clip: ['4'] } }, '6', { type: 'bad_linked_input' }],
    [{ '6': { clip: ['4', 'one'] } }, '6', { type: 'bad_linked_input' }],
    [{ '6': { clip: 'the clip' } }, '6', { type: 'bad_linked_input' }],
    [
      { '8': { samples: ['99', 0] } },
      '8',
      { type: 'exception_during_inner_validation', details: 'samples: node 99 does not exist' },
    ],
    [{ '6': { clip: ['4', 7] } }, '6', { details: 'clip: node 4 has no output 7' }],
    [{ '6': { clip: ['toString', 0] } }, '6', { details: 'clip: node toString does not exist' }],
    [
      { '6': { clip: ['4', 2] } },
      '6',
      {
        type: 'return_type_mismatch',
        message: 'Return type mismatch between linked nodes',
        details: 'clip, received_type(VAE) mismatch input_type(CLIP)',
        extra_info: { linked_node: ['4', 2], received_type: 'VAE' },
      },
    ],
    [{ '3': { steps: ['4', 0] } }, '3', { details: 'steps, received_type(MODEL) mismatch input_type(INT)' }],
    [{ '3': { latent_image: ['3', 0] } }, '3', { type: 'dependency_cycle' }],
  ];
  for (const [changes, node, expected] of cases) {
    const { error, node_errors } = await refused(graph(changes));
    expect(error.type, JSON.stringify(changes)).toBe('prompt_outputs_failed_validation');
    expect(Object.keys(node_errors)).toEqual([node]);
    const matching = Object.fromEntries(
      Object.entries(expected).map(([key, value]) => [
        key,
        value instanceof RegExp ? expect.stringMatching(value) : value,
      ]),
    );
    expect(node_errors[node]).toMatchObject({ dependent_outputs: ['9'], errors: [matching] });
    expect(error.details).toMatch(/\S+: \S/);
  }
});

test('what is no graph, has no output or an unknown node is refused as a whole', async () => {
  const { refused } = await setUp();
  const cases: [prompt: unknown, type: string, says: RegExp][] = [
    [undefined, 'no_prompt', /No prompt provided/],
    [[], 'no_prompt', /No prompt provided/],
    [{}, 'prompt_no_outputs', /no outputs/],
    [{ '4': graph()['4'] }, 'prompt_no_outputs', /no outputs/],
    [
      graph({}, { '10': { class_type: 'FluxGuidance', inputs: {} } }),
      'invalid_prompt',
      /FluxGuidance does not exist.+#10/,
    ],
    [
      graph({}, { '10': { class_type: 'constructor', inputs: {} } }),
      'invalid_prompt',
      /constructor does not exist/,
    ],
    [graph({}, { '10': { inputs: {} } }), 'invalid_prompt', /missing the class_type/],
    [graph({}, { '10': 'node' as never }), 'invalid_prompt', /missing the class_type/],
    [
      Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [i, graph()['4']])),
      'invalid_prompt',
      /more than 1000 nodes/,
    ],
  ];
  for (const [prompt, type, says] of cases) {
    const { error, node_errors } = await refused(prompt);
    expect(error.type).toBe(type);
    expect(`${error.message} ${error.details}`).toMatch(says);
    expect(node_errors).toEqual({});
  }
});

test('ids and links of any name, chains and circles of any length are taken for what they are', async () => {
  const { refused } = await setUp();
  const { '9': save, ...rest } = graph({ '3': { steps: 0 } });
  const odd = { ...rest, constructor: save, '3': rest['3'], ' 号 ': { ...save } };
  expect((await refused(odd)).node_errors['3']?.dependent_outputs).toEqual(['constructor', ' 号 ']);
  const chain: Nodes = {};
  for (let i = 0; i < 900; i++)
    chain[`r${i}`] = {
      class_type: 'RepeatLatentBatch',
      inputs: { amount: 1, samples: [i === 899 ? 'r0' : `r${i + 1}`, 0] },
    };
  const { node_errors } = await refused(graph({ '3': { latent_image: ['r0', 0] } }, chain));
  expect(Object.keys(node_errors)).toHaveLength(900);
});

test('an output without fault is made though another cannot be; numbers may be text, models may lie in folders', {
  timeout: 120_000,
}, async () => {
  const { post, server } = await setUp();
  const sound = graph({
    '3': { steps: '1', cfg: '4.0', sampler_name: 'dpmpp_2m_sde_gpu', denoise: true },
    '4': { ckpt_name: 'sd15\\Tiny.safetensors' },
  });
  const answer = await post({
    ...sound,
    '20': { class_type: 'VAEDecode', inputs: { samples: ['99', 0], vae: ['4', 2] } },
    '21': { class_type: 'PreviewImage', inputs: { images: ['20', 0] } },
  });
  const { node_errors } = (await answer.json()) as Refusal;
  expect([answer.status, Object.keys(node_errors)]).toEqual([200, ['20']]);
  expect(node_errors['20']?.dependent_outputs).toEqual(['21']);
  const { jobs, events } = server.services;
  expect(await jobs.settled(1, events.subscribe)).toMatchObject({
    ...{ state: 'done', error: null },
    request: { sampler: 'dpmpp_2m_sde', steps: 1, guidanceScale: 4 },
  });
});

test('a seed of 64 bits is painted with, and told again, to the last digit', async () => {
  const { client, origin, server } = await setUp();
  await client.queue.pause();
  const text = JSON.stringify({ prompt: graph(), prompt_id: 'mine' });
  const answer = await fetch(`${origin}/api/prompt`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text.replace('"seed":5', '"seed":18446744073709551615'),
  });
  expect(answer.status, await answer.text()).toBe(200);
  expect(server.services.jobs.get(1).request).toMatchObject({ seed: '18446744073709551615' });
  const queue = await fetch(`${origin}/queue`);
  expect(queue.headers.get('content-type')).toContain('application/json');
  expect(await queue.text()).toMatch(/"queue_pending": \[\[0, "mine", .+"seed": 18446744073709551615,/);
  const broken = await fetch(`${origin}/prompt`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"prompt": {',
  });
  expect([broken.status, await broken.json()]).toMatchObject([400, { code: 'bad-input' }]);
});

test('the graphs of our own pictures are taken', { timeout: 120_000 }, async () => {
  const { post, client, settled, server } = await setUp();
  const png = readFileSync(join(import.meta.dirname, '../golden/canny/picture.png'));
  const { image } = await client.images.upload({ file: new Blob([png]) });
  const size = { checkpoint: { name: 'tiny' }, width: 64, height: 64, steps: 2 };
  const picture = { initImage: image, denoisingStrength: 0.5 };
  const requests = [
    tinyRequest({ ...size, secondPass: { scale: 2, upscaler: 'latent', denoisingStrength: 0.5 } }),
    tinyRequest({ ...size, kind: 'image-to-image', ...picture }),
    tinyRequest({ ...size, kind: 'inpaint', ...picture, mask: image, inpaintArea: 'only masked' }),
  ];
  for (const request of requests) {
    const { pictures, error } = await settled((await client.queue.add({ request })).id);
    expect(error).toBeNull();
    const { url } = await client.history.get({ id: pictures[0]! });
    const { raw } = await readImageMetadata(
      new Uint8Array(await (await fetch(server.url.split('/?')[0] + url)).arrayBuffer()),
    );
    const answer = await post(JSON.parse(raw['prompt']!));
    expect(answer.status, await answer.text()).toBe(200);
  }
});

test('the nodes shown to other programs are those that workflows may have, with the same inputs and outputs', async () => {
  const kinds = nodeKinds((await startStudio()).server.services);
  expect([...kinds.keys()].toSorted()).toEqual(KNOWN_NODES.toSorted());
  for (const [name, { required, optional, outputs, isOutput }] of kinds) {
    const kind = kindOf(name)!;
    // Textual inversions are found in the prompt.
    const own = kind.inputs.filter((input) => input !== 'embeddings');
    expect(Object.keys({ ...required, ...optional }), name).toEqual(expect.arrayContaining(own));
    expect(own, name).toEqual(expect.arrayContaining(Object.keys(required)));
    if (!isOutput) expect(outputs, name).toEqual(kind.outputs);
  }
});
