/** Buttons: with words, or with an icon whose name and shortcut show on hover. */
import { Tooltip } from '@mantine/core';
import type { ComponentType, ReactNode } from 'react';
import { readableKeys } from './keys.ts';

type Icon = ComponentType<{ readonly size?: number | string; readonly stroke?: number | string }>;

interface ButtonProps {
  readonly children: ReactNode;
  readonly onClick: () => void;
  readonly look?: 'plain' | 'primary' | 'quiet' | 'danger';
  readonly size?: 'small';
  readonly icon?: Icon;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly title?: string;
}

export function Button({
  children,
  onClick,
  look = 'plain',
  size,
  icon: Glyph,
  pressed,
  disabled,
  title,
}: ButtonProps) {
  return (
    <button
      type="button"
      className="button"
      data-look={look}
      data-size={size}
      aria-pressed={pressed}
      disabled={disabled}
      title={title}
      onClick={onClick}
    >
      {Glyph === undefined ? null : <Glyph size={15} stroke={1.7} />}
      {children}
    </button>
  );
}

interface IconButtonProps {
  readonly label: string;
  readonly icon: Icon;
  readonly onClick: () => void;
  readonly keys?: string;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly size?: 'small';
}

export function IconButton({ label, icon: Glyph, onClick, keys, pressed, disabled, size }: IconButtonProps) {
  return (
    <Hint label={label} {...(keys === undefined ? {} : { keys })}>
      <button
        type="button"
        className="icon-button"
        data-size={size}
        aria-label={label}
        aria-keyshortcuts={keys}
        aria-pressed={pressed}
        disabled={disabled}
        onClick={onClick}
      >
        <Glyph size={size === 'small' ? 14 : 17} stroke={1.6} />
      </button>
    </Hint>
  );
}

/** The name of a thing, and its keys, beside the pointer. */
export function Hint({
  label,
  keys,
  children,
}: {
  readonly label: string;
  readonly keys?: string;
  readonly children: ReactNode;
}) {
  return (
    <Tooltip
      label={
        keys === undefined ? (
          label
        ) : (
          <>
            {label} <kbd>{readableKeys(keys)}</kbd>
          </>
        )
      }
      openDelay={500}
      transitionProps={{ duration: 80 }}
      withinPortal
      events={{ hover: true, focus: false, touch: false }}
    >
      {children}
    </Tooltip>
  );
}
