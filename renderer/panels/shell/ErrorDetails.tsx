/** A trouble in words: what happened, what to do next, and the rest to fold out and copy. */
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { StudioErrorData } from '../../../preload/errors.ts';
import { attempt } from '../../stores/notices.ts';
import { Button } from '../../ui/buttons.tsx';

export function ErrorDetails({ error }: { readonly error: StudioErrorData }) {
  const { t } = useTranslation();
  return (
    <>
      <p>{error.message}</p>
      {error.hint === '' ? null : <p className="dim">{error.hint}</p>}
      {error.details === undefined ? null : (
        <details>
          <summary className="help">{t('details')}</summary>
          <pre data-selectable>{error.details}</pre>
          <CopyButton text={[error.message, error.hint, error.details].filter(Boolean).join('\n')} />
        </details>
      )}
    </>
  );
}

function CopyButton({ text }: { readonly text: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const copy = () =>
    attempt(async () => {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    });
  return (
    <Button size="small" icon={copied ? IconCheck : IconCopy} onClick={() => void copy()}>
      {t(copied ? 'copied' : 'copy')}
    </Button>
  );
}
