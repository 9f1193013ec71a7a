/** What the browser itself records of its work, and how it is judged. */
import type { Page } from '@playwright/test';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds on the clock, and of this thread's processor time. */
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string; readonly data?: { readonly type?: string } };
}

/** Everything that is recorded while something is done. */
export async function traced(page: Page, work: () => Promise<void>): Promise<readonly TraceEvent[]> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, {
    categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'],
  });
  await work();
  return JSON.parse((await browser.stopTracing()).toString()).traceEvents;
}

/** The tasks of the page's main thread. */
export function windowTasks(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const main = new Set(
    events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(thread),
  );
  return events.filter((event) => event.ph === 'X' && event.name === 'RunTask' && main.has(thread(event)));
}

/** Median, 95th percentile and worst, in milliseconds. */
export function spread(milliseconds: readonly number[]): { median: number; high: number; worst: number } {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { median: at(0.5), high: at(0.95), worst: at(1) };
}
