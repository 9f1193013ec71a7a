/** Conformance of everything that turns noise into a latent (golden case samplers): schedules, samplers, steppers. */
import { readCase } from './caseFolder.ts';
import type { Check } from './check.ts';
import { checkSchedules, type SchedulesPart } from './samplerSchedules.ts';
import { checkWalks, type WalksPart } from './samplerWalks.ts';

interface SamplersCase {
  readonly kdiffusion: WalksPart;
  readonly schedules: SchedulesPart;
}

export async function* samplers(caseDir: string): AsyncIterable<Check> {
  const golden = readCase<SamplersCase>(caseDir);
  yield* checkSchedules(caseDir, golden.schedules);
  yield* checkWalks(caseDir, golden.kdiffusion);
}
