/** A dialog: a calm sheet over the dimmed window; Escape and the cross close it. */
import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';

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
  return (
    <Modal
      opened
      centered
      onClose={onClose}
      title={title}
      size={width}
      padding={20}
      overlayProps={{ backgroundOpacity: 0.55 }}
      transitionProps={{ duration: 100, transition: 'fade' }}
      closeButtonProps={{ 'aria-label': closeLabel }}
    >
      {children}
    </Modal>
  );
}
