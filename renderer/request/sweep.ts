/** Parameter sweeps: two axes of values become a grid of requests with one seed. */
import type { GenerationRequest } from '../../preload/request.ts';
import { SAMPLERS, type SamplerName, SCHEDULES, type ScheduleName } from '../../preload/request.ts';
import { SCHEDULE_LABELS, samplerLabel } from './samplers.ts';

export const SWEEP_PARAMETERS = [
  'seed',
  'steps',
  'guidanceScale',
  'denoisingStrength',
  'sampler',
  'schedule',
  'loraWeight',
  'prompt',
] as const;
export type SweepParameter = (typeof SWEEP_PARAMETERS)[number];

export interface SweepAxis {
  readonly parameter: SweepParameter;
  readonly values: readonly string[];
}

/** Most pictures one sweep may ask for. */
export const SWEEP_LIMIT = 100;

/**
 * "1, 2, 3", "1-5", "0.2-1.0 (+0.2)" or names → single values. Text for the prompt axis is `search → replacement` lists,
 * separated by commas: the first text is looked for in the prompt, each text takes its place.
 */
export function parseValues(parameter: SweepParameter, text: string): string[] {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const whole = parameter === 'seed' || parameter === 'steps';
  const numeric =
    whole || parameter === 'guidanceScale' || parameter === 'denoisingStrength' || parameter === 'loraWeight';
  const values = numeric ? parts.flatMap((part) => expandRange(part, whole)) : parts;
  const named = NAMED[parameter];
  const known = named === undefined ? values : values.flatMap((value) => named(value) ?? []);
  return [...new Set(known)];
}

/** An id or a name as it is shown ("dpmpp_2m", "DPM++ 2M"), in any case → the id. */
const among =
  <Id extends string>(ids: readonly Id[], label: (id: Id) => string) =>
  (text: string): string | undefined =>
    ids.find((id) => [id, label(id)].some((name) => name.toLowerCase() === text.toLowerCase()));

const NAMED: Partial<Record<SweepParameter, (text: string) => string | undefined>> = {
  sampler: among(SAMPLERS, samplerLabel),
  schedule: among(SCHEDULES, (id) => SCHEDULE_LABELS[id]),
};

/** A value as it is shown: samplers and schedules by their names. */
export function shownValue({ parameter }: SweepAxis, value: string): string {
  if (parameter === 'sampler') return samplerLabel(value as SamplerName);
  return parameter === 'schedule' ? SCHEDULE_LABELS[value as ScheduleName] : value;
}

/** Values to begin with, as one writes them. */
export const SWEEP_EXAMPLES: Readonly<Record<SweepParameter, string>> = {
  seed: '1-4',
  steps: '5, 10, 20',
  guidanceScale: '3, 5, 7, 9',
  denoisingStrength: '0.3-0.9 (+0.2)',
  sampler: 'Euler, DPM++ 2M, UniPC',
  schedule: 'Normal, Karras, Exponential',
  loraWeight: '0-1 (+0.25)',
  prompt: 'sunset, night, dawn',
};

const RANGE = /^(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)(?:\s*\(\+(\d+(?:\.\d+)?)\))?$/;
function expandRange(part: string, whole: boolean): string[] {
  const found = RANGE.exec(part);
  if (found === null) return Number.isFinite(Number(part)) ? [part] : [];
  const [from, to, step] = [Number(found[1]), Number(found[2]), Number(found[3] ?? (whole ? 1 : 0.1))];
  const count = Math.min(Math.floor((to - from) / step + 1e-6) + 1, SWEEP_LIMIT);
  return Array.from({ length: Math.max(count, 0) }, (_, i) => String(Number((from + i * step).toFixed(4))));
}

/** Rows (y) of columns (x): one request each, batch 1. A value out of range is left to the contract to refuse. */
export function sweepGrid(
  request: GenerationRequest,
  x: SweepAxis,
  y: SweepAxis | null,
): GenerationRequest[][] {
  const base = { ...request, batch: 1 };
  const rows = y === null ? [base] : y.values.map((value) => withValue(base, y, value));
  return rows.map((row) => x.values.map((value) => withValue(row, x, value)));
}

function withValue(
  request: GenerationRequest,
  { parameter, values }: SweepAxis,
  value: string,
): GenerationRequest {
  switch (parameter) {
    case 'seed':
      return { ...request, seed: value };
    case 'steps':
    case 'guidanceScale':
      return { ...request, [parameter]: Number(value) };
    case 'denoisingStrength':
      return request.kind === 'text-to-image' ? request : { ...request, denoisingStrength: Number(value) };
    case 'sampler':
    case 'schedule':
      return { ...request, [parameter]: value };
    case 'loraWeight':
      return {
        ...request,
        loras: request.loras.map((lora) => ({
          ...lora,
          unetWeight: Number(value),
          textWeight: Number(value),
        })),
      };
    case 'prompt':
      return { ...request, prompt: request.prompt.replaceAll(values[0] ?? '', value) };
  }
}
