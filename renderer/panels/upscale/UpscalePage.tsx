/** The middle of Upscale: the picture, and beside it the enlarged one under a wipe. */
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PictureDetail } from '../../../preload/history.ts';
import type { Job } from '../../../preload/jobs.ts';
import { useImageUrl } from '../../commands/imageUrl.ts';
import { useDocumentPart } from '../../stores/document.ts';
import { useQueue } from '../../stores/queue.ts';
import { studio } from '../../stores/studio.ts';
import { Comparison } from '../dialogs/Comparison.tsx';

export function UpscalePage() {
  const { t } = useTranslation();
  const picture = useDocumentPart((document) => document.upscale.picture);
  const url = useImageUrl(picture?.image ?? null);
  const job = useQueue(({ jobs }) => jobs.findLast((each) => isOf(each, picture?.image.sha256)));
  const result = useResult(job);
  if (picture === null || url === null) return <p className="empty page-empty">{t('upscale.empty')}</p>;
  return (
    <div className="upscale-page">
      {result === null ? (
        <figure className="upscale-single">
          <img src={url} alt={t('upscale.source')} draggable={false} />
        </figure>
      ) : (
        <Comparison
          pair={[
            { url, name: t('upscale.source') },
            { url: result.url, name: t('upscale.result') },
          ]}
        />
      )}
      <p className="dim">
        {picture.width} × {picture.height}
        {result === null ? '' : ` → ${result.width} × ${result.height}`}
      </p>
    </div>
  );
}

const isOf = ({ request, state }: Job, sha256: string | undefined): boolean =>
  request.kind === 'upscale' && state === 'done' && sha256 !== undefined && request.image.sha256 === sha256;

function useResult(job: Job | undefined): PictureDetail | null {
  const [result, setResult] = useState<PictureDetail | null>(null);
  const id = job?.pictures[0];
  useEffect(() => {
    setResult(null);
    if (id !== undefined)
      studio()
        .history.get({ id })
        .then(setResult, () => undefined);
  }, [id]);
  return result;
}
