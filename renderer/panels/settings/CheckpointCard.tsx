/** The checkpoint: a card that is a combobox; its picture, base and size at a glance. */
import { IconChevronDown } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ModelCard } from '../../../preload/models.ts';
import { chooseCheckpoint } from '../../commands/checkpoint.ts';
import { BASE_LABELS } from '../../request/samplers.ts';
import { useDraft } from '../../stores/document.ts';
import { cardOf, modelsOfType, useModels } from '../../stores/models.ts';
import { openDialog } from '../../stores/view.ts';
import { megabytes } from '../../ui/format.ts';
import { Preview } from '../library/Preview.tsx';

export function CheckpointCard() {
  const { t } = useTranslation();
  const cards = useModels((state) => state.cards);
  const loaded = useModels((state) => state.loaded);
  const ref = useDraft('checkpoint');
  const card = cardOf(cards, ref);
  const choices = modelsOfType(cards, 'checkpoint');
  const choose = (value: string) => {
    const next = choices.find(({ id }) => String(id) === value);
    if (next !== undefined) void chooseCheckpoint(next);
  };
  return (
    <div>
      <p className="field-label">
        <span>{t('checkpoint')}</span>
        <button type="button" className="link" onClick={() => openDialog('library')}>
          {t('library')}
        </button>
      </p>
      <div className="card model-card">
        <Preview card={card} />
        <div className="grow">
          <div className="line" style={{ gap: 6 }}>
            <span className="ellipsis">{card?.name ?? ref?.name ?? t('checkpoint.none')}</span>
            {card === undefined ? null : <span className="badge">{BASE_LABELS[card.base]}</span>}
          </div>
          <div className="help ellipsis">{summary(card, ref !== null && loaded, t)}</div>
        </div>
        <IconChevronDown size={14} className="quiet" aria-hidden />
        <select
          className="cover-select"
          aria-label={t('checkpoint')}
          value={card === undefined ? '' : String(card.id)}
          onChange={({ currentTarget }) => choose(currentTarget.value)}
        >
          {card === undefined ? <option value="">{ref?.name ?? t('checkpoint.none')}</option> : null}
          {choices.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

function summary(card: ModelCard | undefined, missing: boolean, t: (key: string) => string): string {
  if (card === undefined) return missing ? t('checkpoint.missing') : t('checkpoint.choose');
  const variant = card.variant === 'normal' || card.variant === '' ? '' : ` · ${card.variant}`;
  return `${megabytes(card.bytes)} · ${card.dtype}${variant}`;
}
