/** What programs of other studios set once for all that they ask for, as A1111 keeps its options. */
import { z } from 'zod';
import { StudioError } from '../../preload/errors.ts';
import { type GenerationRequest, SPEEDS } from '../../preload/request.ts';
import type { Services } from '../app/services.ts';
import { readValue, writeValue } from '../storage/settings.ts';

/** Characters, all options together. */
const MAX_OPTIONS = 1e6;
const OPTIONS_KEY = 'a1111 options';

/** An option of our own beside A1111's. */
export const speedSchema = z.enum(SPEEDS);

export function storedOptions({ db }: Pick<Services, 'db'>): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).safeParse(readValue(db, OPTIONS_KEY)).data ?? {};
}

/** A1111's own are some 20 KB. @throws StudioError `too-large`. */
export function storeOptions({ db }: Pick<Services, 'db'>, options: Record<string, unknown>): void {
  if (JSON.stringify(options).length > MAX_OPTIONS)
    throw new StudioError(
      'too-large',
      'The options are longer than 1 MB.',
      'Send only those that are to change.',
    );
  writeValue(db, OPTIONS_KEY, options);
}

/** The speed of requests that name none. */
export function chosenSpeed(s: Pick<Services, 'db'>): GenerationRequest['speed'] {
  return speedSchema.catch('exact').parse(storedOptions(s)['emulsion_speed']);
}
