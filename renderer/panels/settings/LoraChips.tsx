/** LoRA chips: weight on a live slider, triggers one click away, a warning where the base does not fit. */

import { Menu } from '@mantine/core';
import { IconEye, IconEyeOff, IconPlus, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { addLora, addTrigger, fits, removeLora, switchLora, weighLora } from '../../commands/checkpoint.ts';
import type { DraftLora } from '../../document/draft.ts';
import { BASE_LABELS } from '../../request/samplers.ts';
import { finishGesture, useDraft } from '../../stores/document.ts';
import { cardOf, modelsOfType, useModels } from '../../stores/models.ts';
import { useQueue } from '../../stores/queue.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { Slider } from '../../ui/fields.tsx';

export function LoraChips() {
  const { t } = useTranslation();
  const loras = useDraft('loras');
  return (
    <section aria-label="LoRA">
      <div className="field-label">
        <span>LoRA</span>
        <AddLora />
      </div>
      <div className="stack" data-gap="small">
        {loras.map((lora) => (
          <LoraChip key={lora.model.name} lora={lora} />
        ))}
        {loras.length === 0 ? <p className="help">{t('lora.none')}</p> : null}
      </div>
    </section>
  );
}

function AddLora() {
  const { t } = useTranslation();
  const cards = useModels((state) => state.cards);
  const checkpoint = cardOf(cards, useDraft('checkpoint'));
  const used = useDraft('loras').map(({ model }) => model.name);
  const choices = modelsOfType(cards, 'lora').filter(({ ref }) => !used.includes(ref.name));
  return (
    <Menu position="bottom-end" width={240} transitionProps={{ duration: 80 }} withinPortal>
      <Menu.Target>
        <button type="button" className="link" aria-label={t('lora.add')}>
          <IconPlus size={12} aria-hidden /> {t('add')}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {choices.length === 0 ? <Menu.Label>{t('lora.noMore')}</Menu.Label> : null}
        {choices.map((card) => (
          <Menu.Item
            key={card.id}
            onClick={() => addLora(card)}
            rightSection={
              <span className="badge" data-tone={fits(card, checkpoint) ? 'plain' : 'bad'}>
                {BASE_LABELS[card.base]}
              </span>
            }
          >
            {card.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function LoraChip({ lora }: { readonly lora: DraftLora }) {
  const { t } = useTranslation();
  const cards = useModels((state) => state.cards);
  const checkpoint = cardOf(cards, useDraft('checkpoint'));
  const card = cardOf(cards, lora.model);
  const { name } = lora.model;
  const shown = card?.name ?? name;
  const misfit = card !== undefined && !fits(card, checkpoint);
  return (
    <div className="card lora-chip" data-off={!lora.on}>
      <div className="line">
        <span className="grow ellipsis">{shown}</span>
        <span className="dim">{lora.unetWeight.toFixed(2)}</span>
        <IconButton
          size="small"
          icon={lora.on ? IconEye : IconEyeOff}
          label={t(lora.on ? 'lora.off' : 'lora.on', { name: shown })}
          onClick={() => switchLora(name)}
        />
        <IconButton
          size="small"
          icon={IconX}
          label={t('lora.remove', { name: shown })}
          onClick={() => removeLora(name)}
        />
      </div>
      <Slider
        label={t('lora.weight', { name: shown })}
        value={lora.unetWeight}
        min={-2}
        max={2}
        step={0.05}
        onChange={(weight) => weighLora(name, weight)}
        onEnd={finishGesture}
      />
      {misfit ? (
        <p className="help warning">
          {t('lora.misfit', {
            lora: BASE_LABELS[card.base],
            checkpoint: BASE_LABELS[checkpoint?.base ?? 'unknown'],
          })}
        </p>
      ) : (
        <LoraFacts name={name} triggers={card?.triggers ?? []} missing={card === undefined} />
      )}
    </div>
  );
}

/** "applied 64 of 64 tensors" of the last run, and the trigger words. */
function LoraFacts({
  name,
  triggers,
  missing,
}: {
  readonly name: string;
  readonly triggers: readonly string[];
  readonly missing: boolean;
}) {
  const { t } = useTranslation();
  const note = useQueue(({ jobs }) =>
    jobs
      .findLast(({ notes }) => notes.some((text) => text.includes(name)))
      ?.notes.find((text) => text.includes(name)),
  );
  const [, done, all] = /applied (\d+) of (\d+) tensors/.exec(note ?? '') ?? [];
  const applied = done === undefined ? undefined : t('lora.applied', { done, all });
  if (missing) return <p className="help warning">{t('lora.missing')}</p>;
  if (applied === undefined && triggers.length === 0) return null;
  return (
    <p className="help ellipsis">
      {applied}
      {applied !== undefined && triggers.length > 0 ? ' · ' : null}
      {triggers.length > 0 ? `${t('lora.trigger')} ` : null}
      {triggers.slice(0, 3).map((word) => (
        <button
          key={word}
          type="button"
          className="link"
          onClick={() => addTrigger(word)}
          title={t('lora.addTrigger')}
        >
          {word}
        </button>
      ))}
    </p>
  );
}
