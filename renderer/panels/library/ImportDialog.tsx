/** A dropped model file: what it is, what it fits, and the choice to move it, copy it or use it where it lies. */
import { useTranslation } from 'react-i18next';
import { useDropped } from '../../commands/drop.ts';
import { told } from '../../i18n/told.ts';
import { BASE_LABELS } from '../../request/samplers.ts';
import { loadModels } from '../../stores/models.ts';
import { attempt } from '../../stores/notices.ts';
import { studio } from '../../stores/studio.ts';
import { Button } from '../../ui/buttons.tsx';
import { Dialog } from '../../ui/Dialog.tsx';

const WAYS = ['move', 'copy', 'in-place'] as const;

export function ImportDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const model = useDropped((state) => state.model);
  const sent = useDropped((state) => state.sent);
  const take = (how: (typeof WAYS)[number]) =>
    attempt(async () => {
      if (model === null) return;
      await studio().models.import({ path: model.path, how });
      await loadModels();
      onClose();
    });
  if (model === null) return null;
  const { path, type, base, variant, fits, reason, known } = model;
  return (
    <Dialog title={t('import')} closeLabel={t('close')} onClose={onClose} width={520}>
      <div className="stack">
        <p data-selectable>{sent ? path.split(/[\\/]/).at(-1) : path}</p>
        <p>
          <span className="badge">{t(`type.${type}`)}</span>{' '}
          <span className="badge" data-tone="plain">{`${BASE_LABELS[base]} ${variant}`}</span>{' '}
        </p>
        {reason === '' ? null : <p className="help warning">{told(reason)}</p>}
        {known === null ? null : <p className="help">{t('import.known')}</p>}
        {fits.length === 0 ? null : <p className="help">{t('import.fits', { names: fits.join(', ') })}</p>}
        <div className="line">
          {sent ? (
            <Button look="primary" onClick={() => void take('move')}>
              {t('import.take')}
            </Button>
          ) : (
            WAYS.map((how) => (
              <Button key={how} look={how === 'copy' ? 'primary' : 'plain'} onClick={() => void take(how)}>
                {t(`import.${how}`)}
              </Button>
            ))
          )}
        </div>
      </div>
    </Dialog>
  );
}
