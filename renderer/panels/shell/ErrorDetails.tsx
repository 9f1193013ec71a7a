/** A trouble in words: what happened, what to do next, and the rest to fold out and copy. */
import { useTranslation } from 'react-i18next';
import type { StudioErrorData } from '../../../preload/errors.ts';
import { told } from '../../i18n/told.ts';
import { CopyButton } from './CopyButton.tsx';

export function ErrorDetails({ error }: { readonly error: StudioErrorData }) {
  const { t } = useTranslation();
  return (
    <>
      <p>{told(error.message)}</p>
      {error.hint === '' ? null : <p className="dim">{told(error.hint)}</p>}
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
