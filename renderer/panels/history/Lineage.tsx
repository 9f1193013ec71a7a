/** Where a picture comes from and what was made of it: a short line of thumbnails. */
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Picture } from '../../../preload/history.ts';
import { choosePicture } from '../../stores/history.ts';
import { studio } from '../../stores/studio.ts';

export function Lineage({ id }: { readonly id: number }) {
  const { t } = useTranslation();
  const [family, setFamily] = useState<readonly Picture[]>([]);
  useEffect(() => {
    let current = true;
    studio()
      .history.lineage({ id })
      .then(
        ({ pictures }) => current && setFamily([...pictures].sort((a, b) => a.created - b.created)),
        () => current && setFamily([]),
      );
    return () => {
      current = false;
    };
  }, [id]);
  if (family.length < 2) return null;
  return (
    <section>
      <h3 className="section-title">{t('lineage')}</h3>
      <ol className="lineage">
        {family.map((picture) => (
          <li key={picture.id}>
            <button
              type="button"
              aria-current={picture.id === id}
              aria-label={`${t(`kind.${picture.kind}`)} ${picture.id}`}
              title={`${t(`kind.${picture.kind}`)} ${picture.id}`}
              onClick={() => void choosePicture(picture.id)}
            >
              <img src={picture.thumbnailUrl} alt="" />
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
