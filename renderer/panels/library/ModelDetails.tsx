/** One model: what it is, what the user says about it, what can be done with it. */
import { useTranslation } from 'react-i18next';
import type { ModelCard, ModelPatch } from '../../../preload/models.ts';
import { told } from '../../i18n/told.ts';
import { BASE_LABELS } from '../../request/samplers.ts';
import { attempt } from '../../stores/notices.ts';
import { studio } from '../../stores/studio.ts';
import { SwitchField } from '../../ui/fields.tsx';
import { megabytes } from '../../ui/format.ts';
import { ModelActions } from './ModelActions.tsx';
import { ModelDefaults } from './ModelDefaults.tsx';

/** Fields that are written when they are left. */
function Editable({
  label,
  value,
  onSave,
  rows,
}: {
  readonly label: string;
  readonly value: string;
  readonly onSave: (text: string) => void;
  readonly rows?: number;
}) {
  const shared = { className: 'input', 'aria-label': label, defaultValue: value };
  const save = (text: string) => text !== value && onSave(text);
  return (
    <div className="field">
      <span className="field-label" aria-hidden>
        {label}
      </span>
      {rows === undefined ? (
        <input {...shared} onBlur={({ currentTarget }) => save(currentTarget.value)} />
      ) : (
        <textarea {...shared} rows={rows} onBlur={({ currentTarget }) => save(currentTarget.value)} />
      )}
    </div>
  );
}

/** Variants that say nothing beside the base and the type. */
const PLAIN: ReadonlySet<string> = new Set(['normal', 'lora', 'controlnet', 'upscaler']);

const words = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

export function ModelDetails({ card }: { readonly card: ModelCard }) {
  const { t } = useTranslation();
  const update = (patch: ModelPatch) => void attempt(() => studio().models.update({ id: card.id, patch }));
  return (
    <div className="model-details stack" style={{ gap: 10 }}>
      <Editable label={t('model.name')} value={card.name} onSave={(name) => update({ name })} />
      <dl className="facts" data-selectable>
        <Fact name={t('model.type')} value={t(`type.${card.type}`)} />
        <Fact
          name={t('model.base')}
          value={[BASE_LABELS[card.base], PLAIN.has(card.variant) ? '' : card.variant].join(' ')}
        />
        <Fact name={t('model.size')} value={`${megabytes(card.bytes)} · ${card.dtype}`} />
        <Fact name="AutoV2" value={card.autoV2 ?? '…'} />
        <Fact name={t('model.uses')} value={String(card.uses)} />
        <Fact name={t('model.file')} value={card.path} />
      </dl>
      {card.reason === '' ? null : <p className="help warning">{told(card.reason)}</p>}
      <Editable
        label={t('model.triggers')}
        value={card.triggers.join(', ')}
        onSave={(text) => update({ triggers: words(text) })}
      />
      <Editable
        label={t('model.tags')}
        value={card.tags.join(', ')}
        onSave={(text) => update({ tags: words(text) })}
      />
      <Editable label={t('model.notes')} value={card.notes} rows={3} onSave={(notes) => update({ notes })} />
      <SwitchField
        label={t('model.favourite')}
        checked={card.favourite}
        onChange={(favourite) => update({ favourite })}
      />
      <ModelDefaults card={card} />
      <ModelActions card={card} />
    </div>
  );
}

const Fact = ({ name, value }: { readonly name: string; readonly value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);
