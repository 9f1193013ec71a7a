/** A button for what cannot be taken back: the first press asks, the second does it; leaving it forgets the question. */
import { useState } from 'react';

interface ConfirmButtonProps {
  readonly label: string;
  /** What the second press says. */
  readonly sure: string;
  /** What it is about, for screen readers: the label alone does not tell one row from the next. */
  readonly about?: string;
  readonly disabled?: boolean;
  readonly onConfirm: () => void;
}

export function ConfirmButton({ label, sure, about, disabled, onConfirm }: ConfirmButtonProps) {
  const [asked, setAsked] = useState(false);
  const words = asked ? sure : label;
  const press = () => {
    setAsked(!asked);
    if (asked) onConfirm();
  };
  return (
    <button
      type="button"
      className="button"
      data-size="small"
      data-look={asked ? 'danger' : 'quiet'}
      aria-label={about === undefined ? undefined : `${words}: ${about}`}
      disabled={disabled}
      onClick={press}
      onBlur={() => setAsked(false)}
    >
      {words}
    </button>
  );
}
