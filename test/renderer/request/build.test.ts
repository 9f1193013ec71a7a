/** The draft becomes requests that the contract accepts, and comes back from them. */
import { describe, expect, it } from 'vitest';
import { generationRequestSchema } from '../../../preload/request.ts';
import { FIRST_DRAFT, stepsRun, strengthWords } from '../../../renderer/document/draft.ts';
import { buildRequest, recall, seedFrom } from '../../../renderer/request/build.ts';
import { parseValues, sweepGrid } from '../../../renderer/request/sweep.ts';

const image = { sha256: 'a'.repeat(64) };
const draft = {
  ...FIRST_DRAFT,
  prompt: 'a red boat',
  checkpoint: { name: 'Little World' },
  loras: [
    { model: { name: 'Woodcut' }, unetWeight: 0.8, textWeight: 0.8, on: true },
    { model: { name: 'Off' }, unetWeight: 1, textWeight: 1, on: false },
  ],
};

describe('building requests', () => {
  it('chooses the kind by what the canvas gives, and the contract accepts each', () => {
    const text = buildRequest(draft, {})!;
    const picture = buildRequest(draft, { initImage: image })!;
    const inpaint = buildRequest(draft, { initImage: image, mask: image })!;
    expect([text, picture, inpaint].map(({ kind }) => kind)).toEqual([
      'text-to-image',
      'image-to-image',
      'inpaint',
    ]);
    for (const request of [text, picture, inpaint])
      expect(generationRequestSchema.parse(request)).toEqual(request);
    expect(text.loras.map(({ model }) => model.name)).toEqual(['Woodcut']);
    expect(buildRequest(FIRST_DRAFT, {})).toBeNull();
  });

  it('outpaints from noise, and sends the sketch only when it is used and there is a ControlNet', () => {
    expect(buildRequest(draft, { initImage: image, mask: image, outpaint: true })).toMatchObject({
      denoisingStrength: 1,
    });
    const withNet = { ...draft, control: { ...draft.control, model: { name: 'Scribble' }, weight: 0.7 } };
    expect(buildRequest(withNet, { hint: image })!.controls).toMatchObject([{ weight: 0.7, image }]);
    expect(buildRequest({ ...withNet, useSketch: false }, { hint: image })!.controls).toEqual([]);
    expect(buildRequest(draft, { hint: image })!.controls).toEqual([]);
  });

  it('recalls all, prompt or seed', () => {
    const request = buildRequest({ ...draft, seed: '77' }, { initImage: image })!;
    const all = buildRequest({ ...FIRST_DRAFT, ...recall(request, 'all') }, { initImage: image });
    expect(all).toEqual(request);
    expect(recall(request, 'seed')).toEqual({ seed: '77', freshSeed: false });
    expect(recall({ steps: 9 }, 'all')).toEqual({ steps: 9, loras: [] });
    expect(Object.keys(recall(request, 'prompt'))).toEqual(['prompt', 'negativePrompt']);
  });

  it('sends the chosen step rule with a picture, and recalls it from one that has a strength', () => {
    const comfy = { ...draft, stepRule: 'comfy' as const };
    const request = buildRequest(comfy, { initImage: image })!;
    expect(request.stepRule).toBe('comfy');
    expect(recall(request, 'all')).toMatchObject({ stepRule: 'comfy' });
    expect(recall(request, 'prompt')).not.toHaveProperty('stepRule');
    // The rule of text-to-image is about the last sigma; it must not become the one of image-to-image.
    expect(recall(buildRequest(draft, {})!, 'all')).not.toHaveProperty('stepRule');
  });

  it('recalls the shortcuts of a picture, and forgets them with the next', () => {
    const shortcuts = { deepBound: 0.2 };
    const recalled = { ...draft, ...recall({ speed: 'fast', shortcuts }, 'all') };
    expect(buildRequest(recalled, {})).toMatchObject({ speed: 'fast', shortcuts });
    const next = { ...recalled, prompt: 'a boat', ...recall({ speed: 'exact' }, 'all') };
    expect(buildRequest(next, {})).not.toHaveProperty('shortcuts');
    expect(recall({ shortcuts }, 'prompt')).toEqual({});
  });

  it('says what a strength does', () => {
    expect([0, 0.2, 0.62, 0.9, 1].map(strengthWords)).toEqual(['same', 'touches', 'keeps', 'loosens', 'new']);
    expect(stepsRun(30, 0.62, 'diffusers')).toBe(18);
    expect([stepsRun(30, 0, 'diffusers'), stepsRun(30, 1, 'diffusers')]).toEqual([0, 30]);
    expect([0, 0.1, 1].map((strength) => stepsRun(30, strength, 'comfy'))).toEqual([0, 30, 30]);
    expect([0, 0.62, 1].map((strength) => stepsRun(30, strength, 'a1111'))).toEqual([0, 19, 30]);
    expect([seedFrom(0), seedFrom(0.9999999999)]).toEqual(['0', '4294967295']);
  });
});

describe('sweeps', () => {
  it('reads lists and ranges, and leaves out what is no sampler', () => {
    expect(parseValues('steps', '5, 10-12')).toEqual(['5', '10', '11', '12']);
    expect(parseValues('denoisingStrength', '0.2-0.8 (+0.2)')).toEqual(['0.2', '0.4', '0.6', '0.8']);
    expect(parseValues('sampler', 'euler, nonsense, heun')).toEqual(['euler', 'heun']);
    expect(parseValues('seed', '3, x, 5')).toEqual(['3', '5']);
  });

  it('makes a row for each y and a column for each x, with one seed and batch 1', () => {
    const request = { ...buildRequest(draft, { initImage: image })!, batch: 4 };
    const grid = sweepGrid(
      request,
      { parameter: 'steps', values: ['5', '9'] },
      { parameter: 'prompt', values: ['red', 'blue', 'green'] },
    );
    expect(grid.map((row) => row.map(({ steps, prompt }) => `${steps} ${prompt}`))).toEqual([
      ['5 a red boat', '9 a red boat'],
      ['5 a blue boat', '9 a blue boat'],
      ['5 a green boat', '9 a green boat'],
    ]);
    expect(
      grid
        .flat()
        .every(
          (cell) =>
            cell.batch === 1 && cell.seed === request.seed && generationRequestSchema.safeParse(cell).success,
        ),
    ).toBe(true);
  });
});
