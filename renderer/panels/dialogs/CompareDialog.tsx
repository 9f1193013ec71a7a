/** The comparison of two pictures, large. */
import { useTranslation } from 'react-i18next';
import { useComparison } from '../../commands/compare.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Comparison } from './Comparison.tsx';

export function CompareDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const pair = useComparison((state) => state.pair);
  return (
    <Dialog title={t('compare')} closeLabel={t('close')} onClose={onClose} width={1000}>
      {pair === null ? <p className="empty">{t('compare.none')}</p> : <Comparison pair={pair} />}
    </Dialog>
  );
}
