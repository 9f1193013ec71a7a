/** The bar that floats while results wait: look through them, compare, accept or discard. */
import { IconArrowsDiff, IconChevronLeft, IconChevronRight, IconEye, IconEyeOff } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { showComparison } from '../../commands/compare.ts';
import { accept, discard } from '../../commands/results.ts';
import { browse, currentCandidate, hideResults, useCandidates } from '../../stores/candidates.ts';
import { useView } from '../../stores/view.ts';
import { Button, IconButton } from '../../ui/buttons.tsx';
import { EdgeSliders, reblends } from './MaskOptions.tsx';

export function CandidateBar() {
  const { t } = useTranslation();
  const candidate = useCandidates(currentCandidate);
  const index = useCandidates((state) => state.index);
  const count = useCandidates((state) => state.list.length);
  const hidden = useCandidates((state) => state.hidden);
  const mode = useView((state) => state.mode);
  const masked = useCandidates(reblends);
  if (candidate === null) return null;
  const compare = () => void showComparison([candidate.pictureId]);
  return (
    <fieldset className="candidates" aria-label={t('candidates')}>
      <IconButton
        icon={IconChevronLeft}
        label={t('previous')}
        disabled={count < 2}
        onClick={() => browse(-1)}
      />
      <span className="count">
        {index + 1} / {count}
      </span>
      <IconButton icon={IconChevronRight} label={t('next')} disabled={count < 2} onClick={() => browse(1)} />
      <IconButton
        icon={hidden ? IconEyeOff : IconEye}
        label={t(hidden ? 'result.show' : 'result.hide')}
        pressed={hidden}
        onClick={() => hideResults(!hidden)}
      />
      {candidate.request.kind === 'text-to-image' ? null : (
        <IconButton icon={IconArrowsDiff} label={t('beforeAfter')} onClick={compare} />
      )}
      {masked ? (
        <span className="candidate-edge" title={t('mask.live')}>
          <EdgeSliders />
        </span>
      ) : null}
      <Button look="quiet" onClick={() => void discard()}>
        {t('discard')} <kbd aria-hidden>⌫</kbd>
      </Button>
      <Button
        look="primary"
        title={mode === 'create' ? t('accept.create') : t('accept.edit')}
        onClick={() => void accept()}
      >
        {t('accept')} <kbd aria-hidden>⏎</kbd>
      </Button>
    </fieldset>
  );
}
