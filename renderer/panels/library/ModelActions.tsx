/** What can be done with a model. */
import {
  IconFileDescription,
  IconFolder,
  IconPhoto,
  IconPlus,
  IconTrash,
  IconWorldSearch,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ModelCard, ModelPreview } from '../../../preload/models.ts';
import { addLora, chooseCheckpoint } from '../../commands/checkpoint.ts';
import { useHistory } from '../../stores/history.ts';
import { attempt, showInfo } from '../../stores/notices.ts';
import { studio, useStudio } from '../../stores/studio.ts';
import { Button } from '../../ui/buttons.tsx';

export function ModelActions({ card }: { readonly card: ModelCard }) {
  const { t } = useTranslation();
  const shell = useStudio(({ info }) => info?.shell);
  const usable = card.state === 'ready';
  const { id, path, type } = card;
  const sidecars = () =>
    attempt(async () => {
      const { files } = await studio().models.writeSidecars({ id });
      showInfo(t('model.sidecars.done', { files: files.join(', ') }));
    });
  return (
    <div className="line" style={{ flexWrap: 'wrap' }}>
      {type === 'checkpoint' && usable ? (
        <Button look="primary" onClick={() => void chooseCheckpoint(card)}>
          {t('model.use')}
        </Button>
      ) : null}
      {type === 'lora' && usable ? (
        <Button look="primary" icon={IconPlus} onClick={() => addLora(card)}>
          {t('lora.add')}
        </Button>
      ) : null}
      <PreviewButton card={card} />
      {shell === 'electron' ? (
        <Button icon={IconFolder} onClick={() => void attempt(() => studio().app.reveal({ path }))}>
          {t('model.reveal')}
        </Button>
      ) : null}
      <Button icon={IconFileDescription} title={t('model.sidecars.help')} onClick={() => void sidecars()}>
        {t('model.sidecars')}
      </Button>
      <Button
        icon={IconWorldSearch}
        title={t('model.lookUp.help')}
        onClick={() => void attempt(() => studio().models.lookUp({ id }))}
      >
        {t('model.lookUp')}
      </Button>
      <Button
        look="danger"
        icon={IconTrash}
        onClick={() => void attempt(() => studio().models.delete({ id }))}
      >
        {t('model.delete')}
      </Button>
    </div>
  );
}

/** The picture that is chosen in the history becomes the model's. */
function PreviewButton({ card: { id } }: { readonly card: ModelCard }) {
  const { t } = useTranslation();
  const chosen = useHistory((state) => state.chosen);
  const set = (preview: ModelPreview) => void attempt(() => studio().models.setPreview({ id, preview }));
  if (chosen === null) return null;
  return (
    <Button icon={IconPhoto} title={t('model.preview.help')} onClick={() => set({ pictureId: chosen.id })}>
      {t('model.preview')}
    </Button>
  );
}
