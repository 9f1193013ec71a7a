/** A button for what cannot be taken back: the first press asks, the second does it; leaving it forgets the question. */
import { useState } from 'react';

interface ConfirmButtonProps {
  readonly label: string;
  /** What the second press says. */
  readonly sure: string;
  /** Name for screen readers where the label alone does not say what is meant. */
  readonly name?: string;
  readonly disabled?: boolean;
  readonly onConfirm: () => void;
}

export function ConfirmButton({ label, sure, name, disabled, onConfirm }: ConfirmButtonProps) {
  const [asked, setAsked] = useState(false);
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
      aria-label={asked ? sure : name}
      disabled={disabled}
      onClick={press}
      onBlur={() => setAsked(false)}
    >
      {asked ? sure : label}
    </button>
  );
}
