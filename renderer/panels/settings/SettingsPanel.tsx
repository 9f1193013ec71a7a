/** The left panel: what the page at hand needs, from the checkpoint down to Generate. */
import { useTranslation } from 'react-i18next';
import { useDocumentPart } from '../../stores/document.ts';
import { type Mode, useView } from '../../stores/view.ts';
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
  const mode = useView((state) => state.mode);
  return (
    <aside className="side left" aria-label={t('settings.panel')}>
      {mode === 'upscale' ? (
        <UpscaleSettings />
      ) : mode === 'train' ? (
        <TrainSettings />
      ) : (
        <GenerationSettings mode={mode} />
      )}
    </aside>
  );
}

function GenerationSettings({ mode }: { readonly mode: Mode }) {
  const pictures = useDocumentPart((document) => document.layers.some(({ visible }) => visible));
  return (
    <>
      <div className="side-scroll">
        <CheckpointCard />
        {mode === 'sketch' ? <ControlCard /> : null}
        <LoraChips />
        <PromptFields />
        {mode === 'edit' && pictures ? (
          <>
            <StrengthSlider />
            <MaskedContent />
          </>
        ) : null}
        <SamplingFields />
        {mode === 'edit' ? <EditControl /> : null}
        <RareFields />
      </div>
      <GenerateButton />
    </>
  );
}

/** In Edit the ControlNet joins in when there is something it could follow. */
function EditControl() {
  const present = useDocumentPart(({ sketch, draft }) => sketch.length > 0 || draft.control.picture !== null);
  return present ? <ControlCard /> : null;
}
