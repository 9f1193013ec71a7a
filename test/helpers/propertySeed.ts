/**
 * Property tests draw the same cases in every run, so that a red test is the change's own fault.
 * `EMULSION_PROPERTY_SEED=random npm test` looks for new counterexamples; a number repeats a run.
 */
import fc from 'fast-check';

const wanted = process.env['EMULSION_PROPERTY_SEED'] ?? '20260801';
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) });
