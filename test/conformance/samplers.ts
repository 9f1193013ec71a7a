/** Conformance of everything that turns noise into a latent (golden case samplers): schedules, samplers, diffusers. */
import { readCase } from './caseFolder.ts';
import type { Check, Tolerance } from './check.ts';
import { checkDiffusers, type DiffusersPart } from './diffusersRuns.ts';
import { checkSchedules, type SchedulesPart } from './samplerSchedules.ts';
import { checkWalks, type WalksPart } from './samplerWalks.ts';

interface SamplersCase {
  readonly kdiffusion: WalksPart;
  readonly schedules: SchedulesPart;
  readonly diffusers: DiffusersPart;
  readonly tolerance: { readonly diffusers: Tolerance };
}

export async function* samplers(caseDir: string): AsyncIterable<Check> {
  const golden = readCase<SamplersCase>(caseDir);
  yield* checkSchedules(caseDir, golden.schedules);
  yield* checkWalks(caseDir, golden.kdiffusion);
  yield* checkDiffusers(caseDir, golden.diffusers, golden.tolerance.diffusers);
}
