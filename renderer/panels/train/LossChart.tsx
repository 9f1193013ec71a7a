/** The loss curve: each step faint, their running mean strong. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '../../stores/theme.ts';

/** Weight of the past in the running mean. */
const MEMORY = 0.95;
const HEIGHT = 190;
/** Distances between steps on the axis: there is no half step. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];

interface Loss {
  readonly step: number;
  readonly loss: number;
}

/** Exponential running mean with the bias of its start removed. */
function smooth(losses: readonly Loss[]): number[] {
  let mean = 0;
  return losses.map(({ loss }, i) => {
    mean = MEMORY * mean + (1 - MEMORY) * loss;
    return mean / (1 - MEMORY ** (i + 1));
  });
}

interface LossChartProps {
  readonly losses: readonly Loss[];
  readonly label: string;
}

/** Its colours are those of the moment it is made: another theme, another chart. */
export function LossChart(props: LossChartProps) {
  const theme = useTheme((state) => state.theme);
  return <Chart key={theme} {...props} />;
}

function Chart({ losses, label }: LossChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = host.current!;
    const colour = (name: string) => getComputedStyle(element).getPropertyValue(name);
    const axis = {
      stroke: colour('--dim'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '11px Inter Variable',
    };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false },
        scales: { x: { time: false } },
        axes: [
          { ...axis, size: 26, incrs: WHOLE },
          { ...axis, size: 52 },
        ],
        series: [
          {},
          { stroke: colour('--line-strong'), width: 1, points: { show: false } },
          { stroke: colour('--accent'), width: 2, points: { show: false } },
        ],
      },
      [[], [], []],
      element,
    );
    chart.current = plot;
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, []);
  useEffect(() => {
    chart.current?.setData([losses.map(({ step }) => step), losses.map(({ loss }) => loss), smooth(losses)]);
  }, [losses]);
  return <div ref={host} className="loss" role="img" aria-label={label} />;
}
