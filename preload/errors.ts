/** How an error crosses a border: a code for programs, one sentence and a next step for people. */
import { z } from 'zod';

/** Code → HTTP status, so that the WebSocket, the MessagePort and the HTTP routes agree. */
export const ERROR_STATUS = {
  'bad-input': 400,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'unknown-model': 422,
  'not-allowed': 403,
  locked: 423,
  'disk-full': 507,
  'read-only': 500,
  'file-changed': 409,
  'out-of-memory': 500,
  network: 502,
  cancelled: 499,
  crashed: 500,
  internal: 500,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;
export const errorCodeSchema = z.enum(Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]]);

export const studioErrorSchema = z.object({
  code: errorCodeSchema,
  /** One sentence naming the file or field. */
  message: z.string(),
  /** What to do next. */
  hint: z.string(),
  /** For a fold-out with a copy button: a stack, an exit code. */
  details: z.string().optional(),
});
export type StudioErrorData = z.infer<typeof studioErrorSchema>;

/**
 * Takes in what went wrong in work that nobody waits for. `trouble` says what does not happen, as a sentence, and the next
 * step where the error itself knows none.
 */
export type ReportTrouble = (trouble: Pick<StudioErrorData, 'message' | 'hint'>, error: unknown) => void;

/** An error that can explain itself; services throw nothing else on purpose. */
export class StudioError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: string | undefined;

  constructor(code: ErrorCode, message: string, hint: string, details?: string) {
    super(message);
    this.name = 'StudioError';
    this.code = code;
    this.hint = hint;
    this.details = details;
  }

  toData(): StudioErrorData {
    const { code, message, hint, details } = this;
    return details === undefined ? { code, message, hint } : { code, message, hint, details };
  }
}

/**
 * Any thrown value as StudioErrorData: works on both sides of the border (over oRPC the hint and details travel in `data`).
 * Unknown errors become `internal` and keep their stack in `details`.
 */
export function toStudioError(error: unknown): StudioErrorData {
  if (error instanceof StudioError) return error.toData();
  const remote = remoteErrorSchema.safeParse(error);
  if (remote.success) {
    const { code, message, data } = remote.data;
    return {
      code,
      message,
      hint: data.hint,
      ...(data.details === undefined ? {} : { details: data.details }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof Error ? error.stack : undefined;
  return {
    code: 'internal',
    message: message || 'Something went wrong without saying why.',
    hint: 'Try again; if it happens again, copy the details into a report.',
    ...(details === undefined ? {} : { details }),
  };
}

/** Shape of the `data` that accompanies code and message on the wire. */
export const errorDataSchema = z.object({ hint: z.string(), details: z.string().optional() });
const remoteErrorSchema = z.object({ code: errorCodeSchema, message: z.string(), data: errorDataSchema });
