/** Painting keeps up with the hand: what one pointer event of a stroke costs on a large document. */
import { drag, expect, open, test } from './studio.ts';
import { spread, traced } from './tracing.ts';

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
