/** One picture: large, with all its settings, its lineage, and what can be done with it. */
import {
  IconArrowsDiff,
  IconDownload,
  IconPencil,
  IconStar,
  IconStarFilled,
  IconTrash,
  IconX,
  IconZoomIn,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { PictureDetail } from '../../../preload/history.ts';
import { showComparison } from '../../commands/compare.ts';
import { exportPicture } from '../../commands/export.ts';
import { recallPicture } from '../../commands/recall.ts';
import { asUse, toCanvas, toSketch, toUpscale } from '../../commands/results.ts';
import { isUpscale } from '../../request/build.ts';
import { SCHEDULE_LABELS, samplerLabel } from '../../request/samplers.ts';
import { currentCandidate, useCandidates } from '../../stores/candidates.ts';
import { perform } from '../../stores/document.ts';
import { choosePicture } from '../../stores/history.ts';
import { attempt } from '../../stores/notices.ts';
import { loadTimeline } from '../../stores/queue.ts';
import { studio } from '../../stores/studio.ts';
import { Button, IconButton } from '../../ui/buttons.tsx';
import { moment } from '../../ui/format.ts';
import { Lineage } from './Lineage.tsx';

export function PictureDetails({ picture }: { readonly picture: PictureDetail }) {
  const { t } = useTranslation();
  return (
    <section className="details" aria-label={t('picture')}>
      <figure className="details-picture">
        <img src={picture.url} alt={picture.prompt || t('history.noPrompt')} draggable={false} />
        <IconButton icon={IconX} label={t('close')} onClick={() => void choosePicture(null)} />
      </figure>
      <Stars picture={picture} />
      <p className="details-prompt" data-selectable>
        {picture.prompt || t('history.noPrompt')}
      </p>
      <Actions picture={picture} />
      <Lineage id={picture.id} />
      <Facts picture={picture} />
    </section>
  );
}

function Actions({ picture }: { readonly picture: PictureDetail }) {
  const { t } = useTranslation();
  const shown = useCandidates(currentCandidate);
  const name = picture.prompt.slice(0, 40) || picture.fileName;
  const compare = () =>
    void showComparison(
      shown === null || shown.pictureId === picture.id ? [picture.id] : [picture.id, shown.pictureId],
    );
  const remove = () => {
    perform({ type: 'pictures deleted', ids: [picture.id] });
    void choosePicture(null);
  };
  return (
    <div className="details-actions">
      <Button size="small" onClick={() => void recallPicture(picture, 'all')}>
        {t('recall.all')}
      </Button>
      <Button size="small" onClick={() => void recallPicture(picture, 'prompt')}>
        {t('recall.prompt')}
      </Button>
      <Button size="small" onClick={() => void recallPicture(picture, 'seed')}>
        {t('recall.seed')}
      </Button>
      <Button size="small" look="primary" onClick={() => toCanvas(name, asUse(picture))}>
        {t('toCanvas')}
      </Button>
      <span className="line" style={{ gap: 0 }}>
        <IconButton icon={IconPencil} label={t('toSketch')} onClick={() => toSketch(asUse(picture))} />
        <IconButton icon={IconZoomIn} label={t('toUpscale')} onClick={() => toUpscale(asUse(picture))} />
        <IconButton icon={IconArrowsDiff} label={t('compare')} onClick={compare} />
        <IconButton icon={IconDownload} label={t('export')} onClick={() => void exportPicture(picture.id)} />
        {picture.deleted ? (
          <Button
            size="small"
            onClick={() => void attempt(() => studio().history.restore({ ids: [picture.id] }))}
          >
            {t('restore')}
          </Button>
        ) : (
          <IconButton icon={IconTrash} label={t('delete')} onClick={remove} />
        )}
      </span>
    </div>
  );
}

function Stars({ picture }: { readonly picture: PictureDetail }) {
  const { t } = useTranslation();
  const rate = (rating: number) =>
    void attempt(() =>
      studio().history.rate({ ids: [picture.id], rating: rating === picture.rating ? 0 : rating }),
    );
  return (
    <fieldset className="line" style={{ gap: 0 }} aria-label={t('rating')}>
      {[1, 2, 3, 4, 5].map((stars) => (
        <IconButton
          key={stars}
          size="small"
          icon={stars <= picture.rating ? IconStarFilled : IconStar}
          label={t('rating.stars', { count: stars })}
          pressed={stars <= picture.rating}
          onClick={() => rate(stars)}
        />
      ))}
    </fieldset>
  );
}

function Facts({ picture }: { readonly picture: PictureDetail }) {
  const { t, i18n } = useTranslation();
  const { request, jobId } = picture;
  const generation = request !== null && !isUpscale(request) ? request : null;
  const facts: [string, string][] = [
    [t('checkpoint'), picture.model],
    ['LoRA', picture.loras.join(', ')],
    [t('size'), `${picture.width} × ${picture.height}`],
    [
      t('sampler'),
      generation === null
        ? ''
        : `${samplerLabel(generation.sampler)} · ${SCHEDULE_LABELS[generation.schedule]}`,
    ],
    [t('steps'), generation === null ? '' : String(generation.steps)],
    [t('guidanceScale'), generation === null ? '' : String(generation.guidanceScale)],
    [
      t('strength'),
      generation !== null && 'denoisingStrength' in generation ? generation.denoisingStrength.toFixed(2) : '',
    ],
    [t('seed'), picture.seed],
    [t('made'), moment(picture.created, i18n.language)],
  ];
  return (
    <>
      <dl className="facts" data-selectable>
        {facts
          .filter(([, value]) => value !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {jobId === null ? null : (
        <button type="button" className="link" onClick={() => void attempt(() => loadTimeline(jobId))}>
          {t('timeline')}
        </button>
      )}
    </>
  );
}
