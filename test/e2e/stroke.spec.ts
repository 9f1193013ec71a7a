/** Painting keeps up with the hand: what one pointer event of a stroke costs on a large document. */
import type { Page } from '@playwright/test';
import { drag, expect, open, test } from './studio.ts';

/** A frame at 60 Hz. */
const BUDGET = 16;
const SIZE = 4096;
const STROKE = [
  [600, 600],
  [3400, 900],
  [900, 2400],
  [3000, 3300],
  [500, 3600],
  [3600, 500],
] as const;

interface TraceEvent {
  readonly name: string;
  /** Microseconds on the clock, and of this thread's processor time. */
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly data?: { readonly type?: string } };
}

/** What the browser itself records while something is done. */
async function traced(page: Page, work: () => Promise<void>): Promise<readonly TraceEvent[]> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, { categories: ['devtools.timeline'] });
  await work();
  return JSON.parse((await browser.stopTracing()).toString()).traceEvents;
}

/** Median, 95th percentile and worst, in milliseconds. */
function spread(milliseconds: readonly number[]): { median: number; high: number; worst: number } {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { median: at(0.5), high: at(0.95), worst: at(1) };
}

for (const tool of ['Mask', 'Brush'] as const)
  test(`${tool.toLowerCase()} strokes on a ${SIZE}² document stay under ${BUDGET} ms per pointer event`, async ({
    page,
    studio,
  }) => {
    await open(page, studio, 0);
    await page.getByRole('spinbutton', { name: 'Width' }).fill(String(SIZE));
    await page.getByRole('spinbutton', { name: 'Height' }).fill(String(SIZE));
    await page.getByRole('tab', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'Fit' }).click();
    await page.getByRole('radio', { name: tool }).check();
    await page.getByRole('slider', { name: 'Brush size' }).fill('200');
    const events = await traced(page, () => drag(page, STROKE, 40));
    const moves = events.filter(
      ({ name, args }) => name === 'EventDispatch' && args?.data?.type === 'pointermove',
    );
    const frames = events.filter(({ name }) => name === 'FireAnimationFrame');
    // The machine may be busy with other work: the clock is told, the processor time of the page is judged.
    const clock = spread(moves.map(({ dur = 0 }) => dur / 1000));
    const processor = spread(moves.map(({ tdur = 0 }) => tdur / 1000));
    const drawing = spread(frames.map(({ tdur = 0 }) => tdur / 1000));
    const tell = ({ median, high, worst }: ReturnType<typeof spread>) =>
      `${median.toFixed(2)} / ${high.toFixed(2)} / ${worst.toFixed(2)} ms`;
    console.log(
      `${tool} on ${SIZE}², ${moves.length} pointer events, median / 95 % / worst: clock ${tell(clock)}, processor ${tell(processor)}, drawing per frame ${tell(drawing)}`,
    );
    expect(moves.length).toBeGreaterThan(150);
    expect(processor.high).toBeLessThan(BUDGET);
    expect(drawing.high).toBeLessThan(BUDGET);
  });
