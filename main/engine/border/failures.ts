/** What went wrong, as a sentence with a next step; the only place that knows ONNX Runtime's wording. */
import { ZodError } from 'zod';
import type { EngineFailure } from './protocol.ts';

/** An engine failure as an exception, on either side of the process border. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly failure: EngineFailure;
  constructor(failure: EngineFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Input that can be mended by whoever asked: `message` names the file or field, `hint` the next step. */
export function badInput(message: string, hint?: string): EngineError {
  return new EngineError({ code: 'bad-input', message, ...(hint && { hint }) });
}

/** Broken weights (or half precision that overflowed) end in NaN: black pictures would hide it. */
export function rejectNaN(values: Float32Array, checkpoint: string): void {
  if (values.every(Number.isFinite)) return;
  throw badInput(
    `${checkpoint}: the network's output is not a number.`,
    'The weights are damaged (NaN or infinite); run "emulsion inspect --deep" on the file or use another.',
  );
}

/** Names of the error classes whose message is already a sentence for people. */
const CLEAR_ERRORS = new Set(['WeightsError', 'PictureError']);

/** The words of ONNX Runtime, of V8, and of graphics drivers (Vulkan's and Direct3D's names of it among them). */
export const OUT_OF_MEMORY =
  /bad_alloc|failed to allocate|out[ _]?of[ _]?(device[ _])?memory|8007000E|AllocateRawInternal|Array buffer allocation/i;

/** Any thrown value → a failure that may cross the border. */
export function toFailure(error: unknown): EngineFailure {
  if (error instanceof EngineError) return error.failure;
  if (error instanceof ZodError) return fromZod(error);
  const { name = '', message = String(error), stack = '' } = error instanceof Error ? error : {};
  if (name === 'AbortError') return { code: 'cancelled', message: 'Stopped.' };
  if (CLEAR_ERRORS.has(name)) return { code: 'bad-input', message };
  if (OUT_OF_MEMORY.test(message)) {
    const hint = 'Choose a smaller size or batch, or memory mode "low".';
    return {
      code: 'out-of-memory',
      message: 'There is not enough memory for this picture.',
      hint,
      details: message,
    };
  }
  return {
    code: 'internal',
    message: `The engine failed: ${firstLineOf(error)}`,
    hint: 'Please report it with the details.',
    details: stack,
  };
}

function fromZod(error: ZodError): EngineFailure {
  const [issue] = error.issues;
  const field = issue?.path.join('.') || 'request';
  return {
    code: 'bad-input',
    message: `${field}: ${issue?.message ?? 'not valid'}.`,
    hint: 'Correct this setting and try again.',
  };
}

/** What somebody else's error says, at the length of a sentence: ONNX Runtime's go on for pages. */
export function firstLineOf(error: unknown): string {
  const [line] = String(error instanceof Error ? error.message : error).split('\n', 1);
  return line!.slice(0, 300);
}
