/** Keeping the library tidy: what takes how much of the disk, files that are there twice, models nobody uses. */
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DiskUse, ModelCard } from '../../../preload/models.ts';
import { useModels } from '../../stores/models.ts';
import { attempt } from '../../stores/notices.ts';
import { studio } from '../../stores/studio.ts';
import { DiskTable } from './DiskTable.tsx';
import { Duplicates } from './Duplicates.tsx';
import { UnusedModels } from './UnusedModels.tsx';

interface Found {
  readonly disk: DiskUse;
  readonly duplicates: readonly (readonly ModelCard[])[];
}

async function look(): Promise<Found> {
  const [disk, duplicates] = await Promise.all([studio().models.diskUse(), studio().models.duplicates()]);
  return { disk, duplicates };
}

export function Upkeep() {
  const { t } = useTranslation();
  const cards = useModels((state) => state.cards);
  const [found, setFound] = useState<Found | null>(null);
  const reload = () => void attempt(async () => setFound(await look()));
  // What was moved to the bin, hashed or scanned since is another answer.
  useEffect(() => {
    let current = true;
    void attempt(look).then((next) => current && cards.length >= 0 && next !== undefined && setFound(next));
    return () => {
      current = false;
    };
  }, [cards]);
  if (found === null) return <p className="empty library-page">{t('loading')}</p>;
  return (
    <div className="upkeep library-page">
      <DiskTable disk={found.disk} onChange={reload} />
      <Duplicates groups={found.duplicates} />
      <UnusedModels />
    </div>
  );
}
