/** The loss curve: each step faint, their running mean strong. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** Weight of the past in the running mean. */
const MEMORY = 0.95;
const HEIGHT = 190;

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

export function LossChart({ losses, label }: { readonly losses: readonly Loss[]; readonly label: string }) {
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
        axes: [axis, { ...axis, size: 52 }],
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
