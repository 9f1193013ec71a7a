/** One picture: large, with all its settings, its lineage, and what can be done with it. */
import {
  IconArrowsDiff,
  IconDownload,
  IconFolder,
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
import { exportPictures } from '../../commands/export.ts';
import { recallPicture } from '../../commands/recall.ts';
import {
  asUse,
  deletePictures,
  restorePictures,
  toCanvas,
  toSketch,
  toUpscale,
} from '../../commands/results.ts';
import { currentCandidate, useCandidates } from '../../stores/candidates.ts';
import { choosePicture } from '../../stores/history.ts';
import { attempt } from '../../stores/notices.ts';
import { studio, useStudio } from '../../stores/studio.ts';
import { Button, IconButton } from '../../ui/buttons.tsx';
import { startDrag } from './dragging.ts';
import { Lineage } from './Lineage.tsx';
import { PictureBoards } from './PictureBoards.tsx';
import { PictureFacts } from './PictureFacts.tsx';

export function PictureDetails({ picture }: { readonly picture: PictureDetail }) {
  const { t } = useTranslation();
  return (
    <section className="details" aria-label={t('picture')}>
      <figure className="details-picture">
        <img
          src={picture.url}
          alt={picture.prompt || t('history.noPrompt')}
          draggable
          onDragStart={(event) => startDrag(event, picture.id)}
        />
        <IconButton icon={IconX} label={t('close')} onClick={() => void choosePicture(null)} />
      </figure>
      <Stars picture={picture} />
      <p className="details-prompt" data-selectable>
        {picture.prompt || t('history.noPrompt')}
      </p>
      <Actions picture={picture} />
      <Lineage id={picture.id} />
      <PictureBoards picture={picture} />
      <PictureFacts picture={picture} />
    </section>
  );
}

function Actions({ picture }: { readonly picture: PictureDetail }) {
  const { t } = useTranslation();
  const shown = useCandidates(currentCandidate);
  const shell = useStudio(({ info }) => info?.shell);
  const name = picture.prompt.slice(0, 40) || picture.fileName;
  const compare = () =>
    void showComparison(
      shown === null || shown.pictureId === picture.id ? [picture.id] : [picture.id, shown.pictureId],
    );
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
        {shell === 'electron' ? (
          <IconButton
            icon={IconFolder}
            label={t('model.reveal')}
            onClick={() => void attempt(() => studio().app.reveal({ path: picture.path }))}
          />
        ) : null}
        <IconButton
          icon={IconDownload}
          label={t('export')}
          onClick={() => void exportPictures([picture.id])}
        />
        {picture.deleted ? (
          <Button size="small" onClick={() => restorePictures([picture.id])}>
            {t('restore')}
          </Button>
        ) : (
          <IconButton icon={IconTrash} label={t('delete')} onClick={() => deletePictures([picture.id])} />
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
