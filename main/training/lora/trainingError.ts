/** A run that cannot go on for a reason its owner can mend; the message names it and the next step. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
}
