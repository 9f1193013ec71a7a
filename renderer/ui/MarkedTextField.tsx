/** A text area whose words carry marks: the same text lies beneath it, in colours, and scrolls along. */
import { type ReactNode, useId, useRef } from 'react';
import { Label } from './fields.tsx';

interface MarkedTextFieldProps {
  readonly label: string;
  readonly aside: ReactNode;
  readonly value: string;
  /** The value in pieces; `kind` becomes `data-kind`. */
  readonly marks: readonly { readonly text: string; readonly kind: string }[];
  readonly rows: number;
  readonly placeholder: string;
  readonly onChange: (value: string) => void;
  readonly onEnd: () => void;
}

export function MarkedTextField(props: MarkedTextFieldProps) {
  const { label, aside, value, marks, rows, placeholder, onChange, onEnd } = props;
  const id = useId();
  const beneath = useRef<HTMLDivElement>(null);
  let start = 0;
  return (
    <div className="field">
      <Label label={label} aside={aside} htmlFor={id} />
      <div className="marked">
        <div ref={beneath} className="input marked-text" aria-hidden>
          {marks.map(({ text, kind }) => {
            const key = start;
            start += text.length;
            return (
              <span key={key} data-kind={kind}>
                {text}
              </span>
            );
          })}
          {/* A last line break shows only when something follows it. */}
          {'\u200b'}
        </div>
        <textarea
          id={id}
          className="input"
          rows={rows}
          spellCheck={false}
          value={value}
          placeholder={placeholder}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
          onScroll={({ currentTarget }) => {
            if (beneath.current !== null) beneath.current.scrollTop = currentTarget.scrollTop;
          }}
          onBlur={onEnd}
        />
      </div>
    </div>
  );
}
