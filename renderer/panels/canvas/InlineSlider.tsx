/** A slider in a bar: name and number above the track. */
import { Slider } from '../../ui/fields.tsx';

export function InlineSlider(props: {
  readonly label: string;
  /** What is written above it; the full name is `label`. */
  readonly short: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly shown?: string;
  /** Keys that change it, to be read beside its name. */
  readonly keys?: string;
  readonly onChange: (value: number) => void;
  readonly onEnd?: () => void;
}) {
  const { short, shown, keys, step = 1, ...slider } = props;
  return (
    <span className="inline-slider">
      <span aria-hidden>
        {short} {keys === undefined ? null : <kbd>{keys}</kbd>}
      </span>
      <span className="value" aria-hidden>
        {shown ?? Math.round(props.value)}
      </span>
      <Slider {...slider} step={step} />
    </span>
  );
}
