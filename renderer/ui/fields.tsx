/** Form fields on native elements: what the system's own screen readers and test drivers know how to use. */
import { type ReactNode, useId, useState } from 'react';

interface Labelled {
  readonly label: string;
  /** Shown at the right of the label: a count, a value. */
  readonly aside?: ReactNode;
}

export function Label({ label, aside, htmlFor }: Labelled & { readonly htmlFor: string }) {
  return (
    <span className="field-label">
      <label htmlFor={htmlFor}>{label}</label>
      {aside === undefined ? null : <em>{aside}</em>}
    </span>
  );
}

interface NumberFieldProps extends Labelled {
  readonly value: string | number;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | 'any';
  readonly onChange: (value: string) => void;
  readonly onEnd?: () => void;
  readonly children?: ReactNode;
}

/** A number (role spinbutton). What is being typed may be incomplete; only valid numbers are reported. */
export function NumberField({
  label,
  aside,
  value,
  min,
  max,
  step = 1,
  onChange,
  onEnd,
  children,
}: NumberFieldProps) {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <div className="field">
      <Label label={label} aside={aside} htmlFor={id} />
      <div className={children === undefined ? undefined : 'input-with'}>
        <input
          id={id}
          className="input"
          type="number"
          inputMode="decimal"
          value={typed ?? value}
          min={min}
          max={max}
          step={step}
          aria-invalid={typed !== null && !isValid(typed, min, max) ? true : undefined}
          onChange={({ currentTarget }) => {
            const text = currentTarget.value;
            setTyped(text);
            if (isValid(text, min, max)) onChange(text);
          }}
          onBlur={() => {
            setTyped(null);
            onEnd?.();
          }}
        />
        {children}
      </div>
    </div>
  );
}

function isValid(text: string, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): boolean {
  const number = Number(text);
  return text.trim() !== '' && Number.isFinite(number) && number >= min && number <= max;
}

interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly onChange: (value: number) => void;
  readonly onEnd?: () => void;
  readonly disabled?: boolean;
  readonly describedBy?: string;
  /** What a screen reader says instead of the bare number. */
  readonly valueText?: string;
}

/** The bare slider (role slider), named by `label`. */
export function Slider({
  label,
  value,
  min,
  max,
  step,
  onChange,
  onEnd,
  disabled,
  describedBy,
  valueText,
}: SliderProps) {
  const fill = `${((Math.min(Math.max(value, min), max) - min) / (max - min)) * 100}%`;
  return (
    <input
      type="range"
      className="slider"
      aria-label={label}
      aria-describedby={describedBy}
      aria-valuetext={valueText}
      style={{ '--fill': fill } as React.CSSProperties}
      {...{ value, min, max, step, disabled }}
      onChange={({ currentTarget }) => onChange(Number(currentTarget.value))}
      onPointerUp={onEnd}
      onKeyUp={onEnd}
      onBlur={onEnd}
    />
  );
}

interface SliderFieldProps extends SliderProps {
  readonly shown?: string;
  readonly help?: string;
}

/** A slider under its label, with its value at the right and a sentence below. */
export function SliderField({ shown, help, ...slider }: SliderFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <span className="field-label" aria-hidden>
        <span>{slider.label}</span>
        <span style={{ color: 'var(--text)' }}>{shown ?? slider.value}</span>
      </span>
      <Slider {...slider} {...(help === undefined ? {} : { describedBy: id })} />
      {help === undefined ? null : (
        <p id={id} className="help">
          {help}
        </p>
      )}
    </div>
  );
}

interface Option<Choice extends string> {
  readonly value: Choice;
  readonly label: string;
}

interface SelectFieldProps<Choice extends string> extends Labelled {
  readonly value: Choice;
  readonly options: readonly Option<Choice>[];
  readonly onChange: (value: Choice) => void;
  /** What stands for no choice, ''. */
  readonly placeholder?: string;
}

/** A choice (role combobox). */
export function SelectField<Choice extends string>({
  label,
  aside,
  value,
  options,
  onChange,
  placeholder,
}: SelectFieldProps<Choice>) {
  const id = useId();
  return (
    <div className="field">
      <Label label={label} aside={aside} htmlFor={id} />
      <select
        id={id}
        className="input"
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value as Choice)}
      >
        {placeholder === undefined ? null : <option value="">{placeholder}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

interface TextFieldProps extends Labelled {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly onEnd?: () => void;
  readonly placeholder?: string;
  /** More than one: a text area that grows with its text. */
  readonly rows?: number;
  /** A text area even with one row. */
  readonly multiline?: boolean;
}

export function TextField({
  label,
  aside,
  value,
  onChange,
  onEnd,
  placeholder,
  rows = 1,
  multiline = rows > 1,
}: TextFieldProps) {
  const id = useId();
  const shared = {
    id,
    className: 'input',
    value,
    placeholder,
    onBlur: onEnd,
    onChange: ({ currentTarget }: { currentTarget: { value: string } }) => onChange(currentTarget.value),
  };
  return (
    <div className="field">
      <Label label={label} aside={aside} htmlFor={id} />
      {multiline ? (
        <textarea {...shared} rows={rows} spellCheck={false} />
      ) : (
        <input {...shared} type="text" />
      )}
    </div>
  );
}

export function SwitchField({
  label,
  checked,
  onChange,
  help,
}: {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly help?: string;
}) {
  const id = useId();
  return (
    <div>
      <label className="switch">
        <span>{label}</span>
        <input
          type="checkbox"
          role="switch"
          aria-checked={checked}
          checked={checked}
          aria-describedby={help === undefined ? undefined : id}
          onChange={({ currentTarget }) => onChange(currentTarget.checked)}
        />
      </label>
      {help === undefined ? null : (
        <p id={id} className="help" style={{ marginTop: 2, paddingRight: 42 }}>
          {help}
        </p>
      )}
    </div>
  );
}
