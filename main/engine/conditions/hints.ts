/** Hint pictures: what a ControlNet sees, made from a source picture by a preprocessor of ours or of the user's own. */
import { isPreprocessor, type PreprocessorName, preprocess } from '../../images/hints/preprocessors.ts';
import type { Pixels } from '../../images/pixels.ts';
import { badInput } from '../border/failures.ts';
import { runUserPreprocessor } from './userPreprocessor.ts';

/** Begins the name of a preprocessor of the user's; the path of its .onnx file follows. */
const USER = 'onnx:';

/** By option's name; see PREPROCESSOR_TABLE for ours and runUserPreprocessor for the user's. */
type Options = Readonly<Record<string, number>>;

/** The file of a preprocessor of the user's; undefined for ours. */
export function userFileOf(preprocessor: string): string | undefined {
  return preprocessor.startsWith(USER) ? preprocessor.slice(USER.length) : undefined;
}

/** The hint made of `source`. Throws bad input for an unknown preprocessor or option, or a file that cannot be run. */
export async function hintOf(source: Pixels, preprocessor: string, options: Options): Promise<Pixels> {
  const file = userFileOf(preprocessor);
  if (file !== undefined) return runUserPreprocessor(file, source, options);
  if (!isPreprocessor(preprocessor))
    throw badInput(`The preprocessor "${preprocessor}" is not known.`, 'Choose another one.');
  return hintByOurs(source, preprocessor, options);
}

/** The same by one of ours. */
export function hintByOurs(source: Pixels, preprocessor: PreprocessorName, options: Options): Pixels {
  try {
    return preprocess(preprocessor, source, options);
  } catch (error) {
    throw error instanceof RangeError ? badInput(`${error.message}.`) : error;
  }
}
