/** Files among the arguments of a start: those that a double click or "open with" hands over. */
import { PROJECT_EXTENSION } from './system.ts';

const OURS = new RegExp(`\\.(safetensors|${PROJECT_EXTENSION})$`, 'i');

/** Paths of models and projects; switches and the app's own path are not among them. */
export const filesIn = (argv: readonly string[]): string[] =>
  argv.slice(1).filter((argument) => !argument.startsWith('-') && OURS.test(argument));
