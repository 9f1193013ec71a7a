/** What the engine's copies of weights take on the disk, and a button that deletes them. */
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../../stores/notices.ts';
import { studio } from '../../stores/studio.ts';
import { Button } from '../../ui/buttons.tsx';
import { megabytes } from '../../ui/format.ts';

export function CopiesLine() {
  const { t } = useTranslation();
  const [bytes, setBytes] = useState(0);
  useEffect(() => void attempt(async () => setBytes(await copiesBytes())), []);
  const clear = async () => {
    await studio().models.clearCache();
    setBytes(await copiesBytes());
  };
  return (
    <p className="help line spread">
      {t('copies', { size: megabytes(bytes) })}
      <Button size="small" look="quiet" onClick={() => void attempt(clear)}>
        {t('copies.clear')}
      </Button>
    </p>
  );
}

const copiesBytes = async (): Promise<number> =>
  (await studio().models.diskUse()).copies.reduce((sum, { bytes }) => sum + bytes, 0);
