/** Puts a text on the clipboard, and says that it did. */
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../../stores/notices.ts';
import { Button } from '../../ui/buttons.tsx';

export function CopyButton({ text, label }: { readonly text: string; readonly label?: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const copy = () =>
    attempt(async () => {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    });
  return (
    <Button size="small" icon={copied ? IconCheck : IconCopy} onClick={() => void copy()}>
      {copied ? t('copied') : (label ?? t('copy'))}
    </Button>
  );
}
