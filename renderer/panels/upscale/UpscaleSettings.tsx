/** Left panel of Upscale: which upscaler, how much larger, and the button. */
import { IconUpload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ImageRef, ModelRef } from '../../../preload/request.ts';
import { takeFiles } from '../../commands/drop.ts';
import { stop } from '../../commands/generate.ts';
import type { UpscaleDraft } from '../../document/document.ts';
import { finishGesture, perform, useDocumentPart } from '../../stores/document.ts';
import { cardOf, modelsOfType, useModels } from '../../stores/models.ts';
import { attempt } from '../../stores/notices.ts';
import { runningJob, useQueue } from '../../stores/queue.ts';
import { studio } from '../../stores/studio.ts';
import { FileButton } from '../../ui/FileButton.tsx';
import { NumberField, SelectField } from '../../ui/fields.tsx';
import { ModelField } from '../settings/ModelField.tsx';

const SCALES = [2, 3, 4, 8];

const change = (part: Partial<UpscaleDraft>, gesture: string | null = null) =>
  perform({ type: 'upscale changed', change: part }, gesture);

export function UpscaleSettings() {
  const { t } = useTranslation();
  const { picture, scale, tile, upscaler: chosen } = useDocumentPart((document) => document.upscale);
  const cards = useModels((state) => state.cards);
  const upscalers = modelsOfType(cards, 'upscaler');
  const upscaler = cardOf(upscalers, chosen) ?? upscalers[0];
  const ready = picture !== null && upscaler !== undefined;
  const start = () => ready && void upscale(picture.image, upscaler.ref, tile, scale);
  return (
    <>
      <div className="side-scroll">
        <ModelField
          label={t('upscaler')}
          models={upscalers}
          value={upscaler?.ref}
          {...(upscalers.length === 0 ? { placeholder: t('upscaler.none') } : {})}
          onChange={(model) => change({ upscaler: model })}
        />
        <SelectField
          label={t('scale')}
          value={scale === null ? '' : String(scale)}
          placeholder={t('scale.own')}
          options={SCALES.map((value) => ({ value: String(value), label: `× ${value}` }))}
          onChange={(value) => change({ scale: value === '' ? null : Number(value) })}
        />
        <NumberField
          label={t('tile')}
          value={tile}
          min={64}
          max={2048}
          step={32}
          onChange={(value) => change({ tile: Number(value) }, 'tile')}
          onEnd={finishGesture}
        />
        <p className="help">{t('upscale.help')}</p>
        <FileButton
          label={t('upscale.open')}
          icon={IconUpload}
          accept="image/*"
          onFiles={(files) => void takeFiles(files)}
        />
      </div>
      <UpscaleButtons ready={ready} onStart={start} />
    </>
  );
}

const upscale = (image: ImageRef, upscaler: ModelRef, tile: number, scale: number | null): Promise<unknown> =>
  attempt(() =>
    studio().queue.add({
      request: { kind: 'upscale', image, upscaler, tile, ...(scale === null ? {} : { scale }) },
    }),
  );

function UpscaleButtons({ ready, onStart }: { readonly ready: boolean; readonly onStart: () => void }) {
  const { t } = useTranslation();
  const running = useQueue(runningJob);
  return (
    <div className="go">
      <div className="line">
        <button
          type="button"
          className="button generate"
          data-look="primary"
          disabled={!ready}
          onClick={onStart}
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
  );
}
