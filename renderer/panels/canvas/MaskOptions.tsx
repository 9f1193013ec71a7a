/** What can be done with the mask, whichever tool paints it. */
import { IconContrast, IconGrid4x4, IconTrash } from '@tabler/icons-react';
import type { ComponentType } from 'react';
import { useTranslation } from 'react-i18next';
import { workArea } from '../../document/document.ts';
import { shownCandidate, useCandidates } from '../../stores/candidates.ts';
import { currentDocument, finishGesture, perform, useDocumentPart } from '../../stores/document.ts';
import { useView } from '../../stores/view.ts';
import { InlineSlider } from './InlineSlider.tsx';

/** Widest border and farthest move of the edge that the sliders offer, in pixels. */
const REACH = 64;

const invert = () =>
  perform({ type: 'mask painted', operation: { kind: 'invert', area: workArea(currentDocument()) } });

/** True while the shown result came through a mask: its edge is then shaped in the bar below it. */
export const reblends = (state: ReturnType<typeof useCandidates.getState>): boolean =>
  shownCandidate(state)?.request.kind === 'inpaint';

export function MaskOptions() {
  const { t } = useTranslation();
  const empty = useDocumentPart(({ mask }) => mask.operations.length === 0);
  const latentGrid = useView((state) => state.latentGrid);
  const below = useCandidates(reblends);
  return (
    <>
      {below ? null : <EdgeSliders />}
      <span className="line option-buttons">
        <KeyedButton icon={IconContrast} label={t('mask.invert')} keys="I" onClick={invert} />
        <KeyedButton
          icon={IconTrash}
          label={t('mask.clear')}
          keys="C"
          disabled={empty}
          onClick={() => perform({ type: 'mask cleared' })}
        />
        <KeyedButton
          icon={IconGrid4x4}
          label={t('latentGrid')}
          keys="G"
          pressed={latentGrid}
          onClick={() => useView.setState({ latentGrid: !latentGrid })}
        />
      </span>
    </>
  );
}

/** Feather and grow: live, before a run and after it. */
export function EdgeSliders() {
  const { t } = useTranslation();
  const { grow, feather } = useDocumentPart((document) => document.mask);
  return (
    <>
      <InlineSlider
        label={t('mask.feather')}
        short={t('mask.feather.short')}
        value={feather}
        min={0}
        max={REACH}
        onChange={(value) => perform({ type: 'mask shaped', feather: value }, 'feather')}
        onEnd={finishGesture}
      />
      <InlineSlider
        label={t('mask.grow')}
        short={t('mask.grow.short')}
        value={grow}
        min={-REACH}
        max={REACH}
        onChange={(value) => perform({ type: 'mask shaped', grow: value }, 'grow')}
        onEnd={finishGesture}
      />
    </>
  );
}

/** An icon with its key beside it. */
function KeyedButton(props: {
  readonly icon: ComponentType<{ readonly size?: number | string; readonly stroke?: number | string }>;
  readonly label: string;
  readonly keys: string;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}) {
  const { icon: Icon, label, keys, pressed, disabled, onClick } = props;
  return (
    <button
      type="button"
      className="icon-button keyed"
      aria-label={label}
      aria-pressed={pressed}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon size={16} stroke={1.6} />
      <kbd aria-hidden>{keys}</kbd>
    </button>
  );
}
