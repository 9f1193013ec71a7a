/** Troubles to show: one sentence, a next step, details to fold out. Nothing fails silently. */
import { create } from 'zustand';
import { type StudioErrorData, toStudioError } from '../../preload/errors.ts';
import { onEvent } from './studio.ts';

export interface ShownNotice {
  readonly id: number;
  readonly level: 'info' | 'warning' | 'error';
  readonly error: StudioErrorData;
  /** Called when it is closed by hand. */
  readonly onClose?: (() => void) | undefined;
}

/** At most so many are shown at once; the oldest gives way. */
const SHOWN = 4;
let lastId = 0;

export const useNotices = create<{ readonly shown: readonly ShownNotice[] }>(() => ({ shown: [] }));

export function showError(error: unknown): void {
  const data = toStudioError(error);
  if (data.code !== 'cancelled') addNotice('error', data);
}

export const showInfo = (message: string, hint = ''): void =>
  void addNotice('info', { code: 'internal', message, hint });

export interface ShownWork {
  /** How far it is, below what it is. */
  tell(state: string): void;
  done(): void;
}

/** Shows something that takes its time; `stop` is called when the notice is closed by hand. */
export function showWork(message: string, stop: () => void): ShownWork {
  const id = addNotice('info', { code: 'internal', message, hint: '' }, stop);
  const tell = (hint: string): void =>
    useNotices.setState(({ shown }) => ({
      shown: shown.map((notice) =>
        notice.id === id ? { ...notice, error: { ...notice.error, hint } } : notice,
      ),
    }));
  return { tell, done: () => dismissNotice(id) };
}

function addNotice(level: ShownNotice['level'], error: StudioErrorData, onClose?: () => void): number {
  const { shown } = useNotices.getState();
  const others = shown.filter((notice) => notice.error.message !== error.message);
  const id = ++lastId;
  useNotices.setState({ shown: [...others, { id, level, error, onClose }].slice(-SHOWN) });
  return id;
}

export function closeNotice({ id, onClose }: ShownNotice): void {
  onClose?.();
  dismissNotice(id);
}

function dismissNotice(id: number): void {
  useNotices.setState(({ shown }) => ({ shown: shown.filter((notice) => notice.id !== id) }));
}

/** Runs something that may fail; its failure becomes a notice, and the answer undefined. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    showError(error);
    return undefined;
  }
}

onEvent((event) => {
  if (event.type === 'notice') addNotice(event.notice.level, event.notice.error);
});
