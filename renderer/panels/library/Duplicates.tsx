/** Files with the same contents in several places: which to keep is the user's choice. */
import { useTranslation } from 'react-i18next';
import type { ModelCard } from '../../../preload/models.ts';
import { useModels } from '../../stores/models.ts';
import { fileSize } from '../../ui/format.ts';
import { UpkeepRow } from './UpkeepRow.tsx';

export function Duplicates({ groups }: { readonly groups: readonly (readonly ModelCard[])[] }) {
  const { t } = useTranslation();
  const unhashed = useModels(({ cards }) => cards.filter(({ sha256 }) => sha256 === null).length);
  const spare = groups.reduce((sum, group) => sum + (group[0]?.bytes ?? 0) * (group.length - 1), 0);
  return (
    <section aria-label={t('upkeep.duplicates')}>
      <h3>
        {t('upkeep.duplicates')}{' '}
        {spare === 0 ? null : <span className="dim">{t('upkeep.spare', { size: fileSize(spare) })}</span>}
      </h3>
      {groups.length === 0 ? <p className="help">{t('upkeep.noDuplicates')}</p> : null}
      {groups.map((group) => (
        <div key={group[0]?.id} className="duplicate card">
          <p>
            {group[0]?.name} <span className="dim">{t('upkeep.copies', { count: group.length })}</span>
          </p>
          <ul className="rows" aria-label={t('upkeep.places', { name: group[0]?.name ?? '' })}>
            {group.map((card) => (
              <UpkeepRow key={card.id} card={card} title={card.path} />
            ))}
          </ul>
        </div>
      ))}
      {unhashed === 0 ? null : <p className="help">{t('upkeep.unhashed', { count: unhashed })}</p>}
    </section>
  );
}
