/** The left panel: what the page at hand needs, from the checkpoint down to Generate. */
import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { useDocumentPart } from '../../stores/document.ts';
import { isCanvasMode, useCanvasPage, usePage } from '../../stores/view.ts';
import { TrainSettings } from '../train/TrainSettings.tsx';
import { UpscaleSettings } from '../upscale/UpscaleSettings.tsx';
import { CheckpointCard } from './CheckpointCard.tsx';
import { ControlCard } from './ControlCard.tsx';
import { GenerateButton } from './GenerateButton.tsx';
import { LoraChips } from './LoraChips.tsx';
import { PromptFields } from './PromptFields.tsx';
import { RareFields, SamplingFields } from './SamplingFields.tsx';
import { MaskedContent, StrengthSlider } from './StrengthSlider.tsx';

export function SettingsPanel() {
  const { t } = useTranslation();
  const page = usePage();
  return (
    <aside className="side left" aria-label={t('settings.panel')}>
      <GenerationSettings shown={isCanvasMode(page)} />
      {page === 'upscale' ? <UpscaleSettings /> : page === 'train' ? <TrainSettings /> : null}
    </aside>
  );
}

/** What is the same on every page with a canvas is not rendered again from one to the other. */
const Steady = {
  Checkpoint: memo(CheckpointCard),
  Loras: memo(LoraChips),
  Prompts: memo(PromptFields),
  Sampling: memo(SamplingFields),
  Rare: memo(RareFields),
  Generate: memo(GenerateButton),
};

/** Stays in place, unseen, on the other pages: its folds, its scrolling and what is being typed are still there. */
const GenerationSettings = memo(function GenerationSettings({ shown }: { readonly shown: boolean }) {
  const mode = useCanvasPage();
  const pictures = useDocumentPart((document) => document.layers.some(({ visible }) => visible));
  return (
    <div className="side-page" hidden={!shown}>
      <div className="side-scroll">
        <Steady.Checkpoint />
        <Steady.Loras />
        <Steady.Prompts />
        {mode === 'sketch' ? <ControlCard /> : null}
        {mode === 'edit' && pictures ? (
          <>
            <StrengthSlider />
            <MaskedContent />
          </>
        ) : null}
        <Steady.Sampling />
        {mode === 'edit' ? <EditControl /> : null}
        <Steady.Rare />
      </div>
      <Steady.Generate />
    </div>
  );
});

/** In Edit the ControlNet joins in when there is something it could follow. */
function EditControl() {
  const present = useDocumentPart(({ sketch, draft }) => sketch.length > 0 || draft.control.picture !== null);
  return present ? <ControlCard /> : null;
}
