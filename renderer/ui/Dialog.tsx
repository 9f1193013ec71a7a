/** A dialog: a calm sheet over the dimmed window; Escape and the cross close it. */
import { Modal } from '@mantine/core';
import { createContext, type ReactNode, useContext } from 'react';

/** What every dialog has between its title and its own content, which scrolls by itself below. */
export const DialogHead = createContext<ReactNode>(null);

export function Dialog({
  title,
  onClose,
  width = 640,
  children,
  closeLabel,
}: {
  readonly title: string;
  readonly onClose: () => void;
  /** CSS pixels. */
  readonly width?: number;
  readonly closeLabel: string;
  readonly children: ReactNode;
}) {
  const head = useContext(DialogHead);
  return (
    <Modal.Root
      opened
      centered
      onClose={onClose}
      size={width}
      padding={20}
      transitionProps={{ duration: 100, transition: 'fade' }}
    >
      <Modal.Overlay backgroundOpacity={0.55} />
      <Modal.Content>
        <Modal.Header>
          <Modal.Title>{title}</Modal.Title>
          <Modal.CloseButton aria-label={closeLabel} />
        </Modal.Header>
        {head}
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
