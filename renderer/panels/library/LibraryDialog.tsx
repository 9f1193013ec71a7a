/** The library: every model that was found, what it is and whether it fits; folders and downloads beside it. */
import { Tabs } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { MODEL_TYPES, type ModelCard, type ModelType } from '../../../preload/models.ts';
import { told } from '../../i18n/told.ts';
import { BASE_LABELS } from '../../request/samplers.ts';
import { useDraft } from '../../stores/document.ts';
import { cardOf, useModels } from '../../stores/models.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { megabytes } from '../../ui/format.ts';
import { Downloads } from './Downloads.tsx';
import { Folders } from './Folders.tsx';
import { ModelDetails } from './ModelDetails.tsx';
import { Preview } from './Preview.tsx';
import { Upkeep } from './Upkeep.tsx';

export function LibraryDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog title={t('library')} closeLabel={t('close')} onClose={onClose} width={1040}>
      <Tabs defaultValue="models" keepMounted={false}>
        <Tabs.List mb={14}>
          <Tabs.Tab value="models">{t('library.models')}</Tabs.Tab>
          <Tabs.Tab value="folders">{t('library.folders')}</Tabs.Tab>
          <Tabs.Tab value="downloads">{t('library.downloads')}</Tabs.Tab>
          <Tabs.Tab value="upkeep">{t('upkeep')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="models">
          <Models />
        </Tabs.Panel>
        <Tabs.Panel value="folders">
          <Folders />
        </Tabs.Panel>
        <Tabs.Panel value="upkeep">
          <Upkeep />
        </Tabs.Panel>
        <Tabs.Panel value="downloads">
          <Downloads />
        </Tabs.Panel>
      </Tabs>
    </Dialog>
  );
}

function Models() {
  const { t } = useTranslation();
  const cards = useModels((state) => state.cards);
  const [text, setText] = useState('');
  const [type, setType] = useState<ModelType | null>(null);
  const checkpoint = useDraft('checkpoint');
  const [chosen, setChosen] = useState(() => cardOf(cards, checkpoint)?.id ?? null);
  const words = text.toLowerCase();
  const shown = cards.filter(
    (card) =>
      (type === null || card.type === type) &&
      `${card.name} ${card.fileName} ${card.tags.join(' ')}`.toLowerCase().includes(words),
  );
  const types = MODEL_TYPES.filter((name) => cards.some((card) => card.type === name));
  const card = cards.find(({ id }) => id === chosen);
  return (
    <div className="library">
      <div className="stack" style={{ gap: 10 }}>
        <input
          className="input"
          type="search"
          aria-label={t('library.search')}
          placeholder={t('library.search')}
          value={text}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
        />
        <TypeChips types={types} chosen={type} onChoose={setType} />
        <ul className="model-list" aria-label={t('library.models')}>
          {shown.map((each) => (
            <ModelRow
              key={each.id}
              card={each}
              chosen={each.id === chosen}
              onChoose={() => setChosen(each.id)}
            />
          ))}
          {shown.length === 0 ? <li className="empty">{t('library.nothing')}</li> : null}
        </ul>
      </div>
      {card === undefined ? (
        <p className="empty">{t('library.choose')}</p>
      ) : (
        <ModelDetails key={card.id} card={card} />
      )}
    </div>
  );
}

/** One type of model, or all of them. */
function TypeChips({
  types,
  chosen,
  onChoose,
}: {
  readonly types: readonly ModelType[];
  readonly chosen: ModelType | null;
  readonly onChoose: (type: ModelType | null) => void;
}) {
  const { t } = useTranslation();
  return (
    <div className="chips">
      {types.map((type) => (
        <button
          key={type}
          type="button"
          className="chip"
          aria-pressed={chosen === type}
          onClick={() => onChoose(chosen === type ? null : type)}
        >
          {t(`type.${type}`)}
        </button>
      ))}
    </div>
  );
}

function ModelRow({
  card,
  chosen,
  onChoose,
}: {
  readonly card: ModelCard;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}) {
  const { t } = useTranslation();
  return (
    <li>
      <button type="button" className="model-row" aria-pressed={chosen} onClick={onChoose}>
        <Preview card={card} />
        <span className="grow">
          <span className="line" style={{ gap: 6 }}>
            <span className="ellipsis">{card.name}</span>
            {card.state === 'ready' ? (
              card.base === 'other' ? null : (
                <span className="badge" data-tone="plain">
                  {BASE_LABELS[card.base]}
                </span>
              )
            ) : (
              <span className="badge" data-tone="bad">
                {t(`state.${card.state}`)}
              </span>
            )}
          </span>
          <span className="help ellipsis">
            {t(`type.${card.type}`)} · {megabytes(card.bytes)} ·{' '}
            {card.state === 'ready' ? card.dtype : told(card.reason)}
          </span>
        </span>
      </button>
    </li>
  );
}
