/** Troubles of work that nobody waits for: all go to the log, and what a user can mend to the window's notices as well. */
import type { ReportTrouble, StudioErrorData } from '../../preload/errors.ts';
import type { StudioEvent } from '../../preload/studio.ts';
import type { WritableDb } from '../storage/database.ts';
import { explain } from './border.ts';
import { addNotice } from './notices.ts';

/** Where the program keeps what went wrong: a file of the desktop app, the terminal of a server. */
export type Log = (text: string, error: unknown) => void;

export interface Troubles {
  readonly report: ReportTrouble;
  /** From now on nothing is a trouble: the engines are being ended, the database closed. */
  close(): void;
}

export interface TroublesOptions {
  readonly db: WritableDb;
  readonly emit: (event: StudioEvent) => void;
  readonly log: Log;
  readonly now: () => number;
}

/** Each trouble is noticed once a session: background work is tried again and again. */
export function createTroubles({ db, emit, log, now }: TroublesOptions): Troubles {
  const noticed = new Set<string>();
  let closed = false;
  const notice = (error: StudioErrorData): void => {
    try {
      addNotice(db, emit, 'warning', error, now());
    } catch (cause) {
      // A full disk takes no notice either: those who look now see it all the same.
      log('A notice could not be kept.', cause);
      emit({ type: 'notice', notice: { id: 0, level: 'warning', time: now(), error } });
    }
  };
  return {
    close: () => {
      closed = true;
    },
    report: ({ message, hint }, error) => {
      const cause = explain(error);
      if (closed || cause.code === 'cancelled') return;
      log(message, error);
      if (noticed.has(message)) return;
      noticed.add(message);
      const { code, details = cause.message } = cause;
      // What can explain itself says what to do; of anything else only the details are of use.
      const told = code === 'internal' ? hint : `${cause.message} ${cause.hint}`;
      notice({ code, message, hint: told, details });
    },
  };
}
