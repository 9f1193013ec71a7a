/** Sweeps: what one writes becomes values, names as well as ids, and values become a grid of requests with one seed. */
import { describe, expect, it } from 'vitest';
import { FIRST_DRAFT } from '../../../renderer/document/draft.ts';
import { buildRequest } from '../../../renderer/request/build.ts';
import {
  parseValues,
  SWEEP_EXAMPLES,
  SWEEP_LIMIT,
  SWEEP_PARAMETERS,
  sweepGrid,
} from '../../../renderer/request/sweep.ts';

const draft = { ...FIRST_DRAFT, checkpoint: { name: 'm' }, prompt: 'a boat at sunset', batch: 4, seed: '7' };
const request = buildRequest(draft, {})!;

describe('values', () => {
  it('are lists, ranges and ranges with a step', () => {
    expect(parseValues('steps', '5, 8-10 ,x')).toEqual(['5', '8', '9', '10']);
    expect(parseValues('guidanceScale', '0.2-1.0 (+0.4)')).toEqual(['0.2', '0.6', '1']);
    expect(parseValues('seed', `1-${SWEEP_LIMIT * 9}`)).toHaveLength(SWEEP_LIMIT);
    expect(parseValues('prompt', ' sea, , hills')).toEqual(['sea', 'hills']);
  });

  it('name samplers and schedules as they are shown or by id; unknown ones are left out', () => {
    expect(parseValues('sampler', 'DPM++ 2M, euler, nonsense')).toEqual(['dpmpp_2m', 'euler']);
    expect(parseValues('schedule', 'karras, SGM Uniform')).toEqual(['karras', 'sgm_uniform']);
  });

  it('has an example for every parameter that gives more than one', () => {
    for (const parameter of SWEEP_PARAMETERS)
      expect(parseValues(parameter, SWEEP_EXAMPLES[parameter]).length, parameter).toBeGreaterThan(1);
  });
});

describe('the grid', () => {
  it('has a row for each y and a column for each x, one picture each, all from one seed', () => {
    const grid = sweepGrid(
      request,
      { parameter: 'guidanceScale', values: ['3', '7'] },
      { parameter: 'prompt', values: ['sunset', 'night'] },
    );
    expect(grid.map((row) => row.map(({ prompt, guidanceScale }) => `${prompt} ${guidanceScale}`))).toEqual([
      ['a boat at sunset 3', 'a boat at sunset 7'],
      ['a boat at night 3', 'a boat at night 7'],
    ]);
    expect(grid.flat().every(({ batch, seed }) => batch === 1 && seed === '7')).toBe(true);
  });

  it('leaves text-to-image alone where a strength means nothing', () => {
    const [[only]] = sweepGrid(request, { parameter: 'denoisingStrength', values: ['0.5'] }, null) as [
      [object],
    ];
    expect(only).not.toHaveProperty('denoisingStrength');
  });
});
