/** Left panel of Upscale: which upscaler, how much larger, and the button. */
import { IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { takeFiles } from '../../commands/drop.ts';
import { stop } from '../../commands/generate.ts';
import { perform, useDocumentPart } from '../../stores/document.ts';
import { modelsOfType, useModels } from '../../stores/models.ts';
import { attempt } from '../../stores/notices.ts';
import { runningJob, useQueue } from '../../stores/queue.ts';
import { studio } from '../../stores/studio.ts';
import { FileButton } from '../../ui/FileButton.tsx';
import { NumberField, SelectField } from '../../ui/fields.tsx';

const SCALES = [2, 3, 4, 8];

export function UpscaleSettings() {
  const { t } = useTranslation();
  const { picture, scale } = useDocumentPart((document) => document.upscale);
  const upscalers = modelsOfType(
    useModels((state) => state.cards),
    'upscaler',
  );
  const [name, setName] = useState('');
  const [tile, setTile] = useState(256);
  const upscaler = upscalers.find(({ ref }) => ref.name === name) ?? upscalers[0];
  const running = useQueue(runningJob);
  const start = () =>
    attempt(async () => {
      if (picture === null || upscaler === undefined) return;
      const request = {
        kind: 'upscale' as const,
        image: picture.image,
        upscaler: upscaler.ref,
        tile,
        ...(scale === null ? {} : { scale }),
      };
      await studio().queue.add({ request });
    });
  return (
    <>
      <div className="side-scroll">
        <SelectField
          label={t('upscaler')}
          value={upscaler?.ref.name ?? ''}
          placeholder={upscalers.length === 0 ? t('upscaler.none') : (undefined as never)}
          options={upscalers.map((card) => ({ value: card.ref.name, label: card.name }))}
          onChange={setName}
        />
        <SelectField
          label={t('scale')}
          value={scale === null ? '' : String(scale)}
          placeholder={t('scale.own')}
          options={SCALES.map((value) => ({ value: String(value), label: `× ${value}` }))}
          onChange={(value) =>
            perform({ type: 'upscale changed', scale: value === '' ? null : Number(value) })
          }
        />
        <NumberField
          label={t('tile')}
          value={tile}
          min={64}
          max={2048}
          step={32}
          onChange={(value) => setTile(Number(value))}
        />
        <p className="help">{t('upscale.help')}</p>
        <FileButton
          label={t('upscale.open')}
          icon={IconUpload}
          accept="image/*"
          onFiles={(files) => void takeFiles(files)}
        />
      </div>
      <div className="go">
        <div className="line">
          <button
            type="button"
            className="button generate"
            data-look="primary"
            disabled={picture === null || upscaler === undefined}
            onClick={() => void start()}
          >
            {t('upscale')}
          </button>
          {running === undefined ? null : (
            <button type="button" className="button stop" onClick={() => void stop()}>
              {t('stop')}
            </button>
          )}
        </div>
      </div>
    </>
  );
}
