/** The border of the contract: every thrown value becomes {code, message, hint}, whatever threw it. */
import { ORPCError, ValidationError } from '@orpc/server';
import { ERROR_STATUS, type StudioErrorData, toStudioError } from '../../preload/errors.ts';
import { EngineError } from '../engine/border/failures.ts';
import { diskError } from '../storage/fileStore.ts';

/** For the oRPC handlers of both transports: runs around every call, its validation included. */
export async function explainErrors<Result>({ next }: { next: () => Promise<Result> }): Promise<Result> {
  try {
    return await next();
  } catch (error) {
    throw toWire(explain(error));
  }
}

/** The error as it crosses a border. */
export function explain(error: unknown): StudioErrorData {
  if (error instanceof EngineError) {
    const { code, message, hint = 'Change the settings, then try again.', details } = error.failure;
    return { code, message, hint, ...(details !== undefined && { details }) };
  }
  if (error instanceof ORPCError && error.cause instanceof ValidationError) return invalid(error.cause);
  if (error instanceof ORPCError && error.status === 404) {
    return {
      code: 'not-found',
      message: 'There is no such call.',
      hint: 'Window and studio are of different versions; restart both.',
    };
  }
  if (error instanceof Error && CLEAR_ERRORS.has(error.name)) {
    return { code: 'bad-input', message: error.message, hint: 'Choose another file or setting.' };
  }
  return toStudioError(diskError(error, 'the data folder'));
}

/** A value of a query, which may be missing or said twice: the first one counts. */
export function queryText(value: unknown): string {
  const [first] = [value].flat();
  return typeof first === 'string' ? first : '';
}

/** Errors whose message is already a sentence with a next step. */
const CLEAR_ERRORS = new Set(['PictureError', 'WeightsError', 'MetadataError', 'RangeError']);

function invalid({ issues }: ValidationError): StudioErrorData {
  const [issue] = issues;
  const field = (issue?.path ?? []).map((part) => (typeof part === 'object' ? part.key : part)).join('.');
  const message = `${field || 'The message'}: ${issue?.message ?? 'not valid'}`;
  return { code: 'bad-input', message: message.slice(0, 500), hint: 'Correct this field and try again.' };
}

function toWire({ code, message, hint, details }: StudioErrorData): ORPCError<string, unknown> {
  const data = { hint, ...(details !== undefined && { details }) };
  return new ORPCError(code, { defined: true, status: ERROR_STATUS[code], message, data });
}
