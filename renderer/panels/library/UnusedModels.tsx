/** Models that no picture used, or none for a long time, the largest first. */
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelCard } from '../../../preload/models.ts';
import { useModels } from '../../stores/models.ts';
import { attempt } from '../../stores/notices.ts';
import { studio } from '../../stores/studio.ts';
import { SelectField } from '../../ui/fields.tsx';
import { fileSize } from '../../ui/format.ts';
import { UpkeepRow } from './UpkeepRow.tsx';

const DAY = 24 * 3600 * 1000;
const PERIODS = ['ever', 'quarter', 'year'] as const;
type Period = (typeof PERIODS)[number];
/** Days without use that count; null: never used at all. */
const UNUSED_DAYS: Readonly<Record<Period, number | null>> = { ever: null, quarter: 90, year: 365 };

const asked = (period: Period): Promise<ModelCard[]> => {
  const days = UNUSED_DAYS[period];
  return studio().models.unused({ since: days === null ? 0 : Date.now() - days * DAY });
};

export function UnusedModels() {
  const { t } = useTranslation();
  const all = useModels((state) => state.cards);
  const [period, setPeriod] = useState<Period>('ever');
  const [cards, setCards] = useState<readonly ModelCard[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a library that changed is asked again
  useEffect(() => {
    let current = true;
    void attempt(() => asked(period)).then((next) => {
      if (current && next !== undefined) setCards(next);
    });
    return () => {
      current = false;
    };
  }, [period, all]);
  const bytes = cards.reduce((sum, card) => sum + card.bytes, 0);
  return (
    <section aria-label={t('upkeep.unused')}>
      <h3 className="line spread">
        <span>
          {t('upkeep.unused')} {bytes === 0 ? null : <span className="dim">{fileSize(bytes)}</span>}
        </span>
      </h3>
      <div className="upkeep-period">
        <SelectField
          label={t('upkeep.period')}
          value={period}
          options={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))}
          onChange={setPeriod}
        />
      </div>
      {cards.length === 0 ? <p className="help">{t('upkeep.noUnused')}</p> : null}
      <ul className="rows" aria-label={t('upkeep.unused')}>
        {cards.map((card) => (
          <UpkeepRow key={card.id} card={card} title={card.name} />
        ))}
      </ul>
    </section>
  );
}
