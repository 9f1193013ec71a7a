/** Failures on the command line: one line that says what and what next, and an exit code that is not 0. */
import { StudioError } from '../../preload/errors.ts';
import { EngineError, toFailure } from '../engine/border/failures.ts';
import type { EngineFailure } from '../engine/border/protocol.ts';

const EXIT_CODES: Readonly<Record<string, number>> = { 'bad-input': 2, 'too-large': 2, cancelled: 130 };

/** Prints `error` to stderr and sets the exit code: 2 for input that can be mended, 130 for a stop, 1 otherwise. */
export function failWith(error: unknown): void {
  const failure =
    error instanceof EngineError
      ? error.failure
      : error instanceof StudioError
        ? error.toData()
        : (refusedPath(error) ?? toFailure(error));
  const hint = failure.hint ? ` ${failure.hint}` : '';
  process.stderr.write(`emulsion: ${failure.message.replace(/\s*\n\s*/g, ' ')}${hint}\n`);
  if (process.env['EMULSION_DEBUG'] && failure.details) process.stderr.write(`${failure.details}\n`);
  process.exitCode = EXIT_CODES[failure.code] ?? 1;
}

/** What the system refuses to read or write is no fault of ours, and whoever asked can mend it. */
function refusedPath(error: unknown): EngineFailure | undefined {
  const { code, path } = Object(error) as NodeJS.ErrnoException;
  if (code === undefined || path === undefined) return undefined;
  const hint = 'Check the path and its permissions.';
  return { code: 'bad-input', message: `${path} cannot be read or written (${code}).`, hint };
}
