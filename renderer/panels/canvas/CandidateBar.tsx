/** The bar that floats while results wait: look through them, compare, accept or discard. */
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { showComparison } from '../../commands/compare.ts';
import { accept, discard } from '../../commands/results.ts';
import { browse, shownCandidate, useCandidates } from '../../stores/candidates.ts';
import { useView } from '../../stores/view.ts';
import { Button, IconButton } from '../../ui/buttons.tsx';

export function CandidateBar() {
  const { t } = useTranslation();
  const candidate = useCandidates(shownCandidate);
  const index = useCandidates((state) => state.index);
  const count = useCandidates((state) => state.list.length);
  const mode = useView((state) => state.mode);
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
      {candidate.request.kind === 'text-to-image' ? null : (
        <Button look="quiet" onClick={compare}>
          {t('compare')}
        </Button>
      )}
      <Button look="quiet" onClick={() => void discard()}>
        {t('discard')}
      </Button>
      <Button
        look="primary"
        title={mode === 'create' ? t('accept.create') : t('accept.edit')}
        onClick={() => void accept()}
      >
        {t('accept')}
      </Button>
    </fieldset>
  );
}
