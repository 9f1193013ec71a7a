/** The right panel: search, filters, the wall of pictures, and the chosen one with everything about it. */
import { IconBrain, IconSearch, IconStarFilled, IconTrash, IconX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { hasFilter, setFilter, useHistory } from '../../stores/history.ts';
import { Hint } from '../../ui/buttons.tsx';
import { PictureDetails } from './PictureDetails.tsx';
import { Wall } from './Wall.tsx';

/** Milliseconds of quiet before a search starts. */
const PAUSE = 220;
const WEEK = 7 * 24 * 3600 * 1000;

export function HistoryPanel() {
  const { t } = useTranslation();
  const chosen = useHistory((state) => state.chosen);
  return (
    <aside className="side right" aria-label={t('history')}>
      <div className="stack" style={{ gap: 10 }}>
        <SearchBox />
        <Filters />
      </div>
      <Wall />
      {chosen === null ? null : <PictureDetails picture={chosen} />}
    </aside>
  );
}

function SearchBox() {
  const { t } = useTranslation();
  const meaning = useHistory((state) => state.filter.meaning);
  const [text, setText] = useState('');
  useEffect(() => {
    const { filter } = useHistory.getState();
    if (filter.text === text) return;
    const timer = setTimeout(() => setFilter({ text }), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div className="search">
      <IconSearch size={15} stroke={1.6} aria-hidden />
      <input
        type="search"
        aria-label={t('history.search')}
        placeholder={t(meaning ? 'history.byMeaning' : 'history.byWords')}
        value={text}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
      />
      <Hint label={t('history.meaning')}>
        <button
          type="button"
          className="icon-button"
          data-size="small"
          aria-label={t('history.meaning')}
          aria-pressed={meaning}
          onClick={() => setFilter({ meaning: !meaning })}
        >
          <IconBrain size={16} stroke={1.6} />
        </button>
      </Hint>
    </div>
  );
}

function Filters() {
  const { t } = useTranslation();
  const filter = useHistory((state) => state.filter);
  const facets = useHistory((state) => state.facets);
  const toggle = (list: readonly string[], value: string) =>
    list.includes(value) ? list.filter((other) => other !== value) : [...list, value];
  const week = filter.from !== undefined;
  return (
    <div className="chips">
      <button
        type="button"
        className="chip"
        aria-pressed={filter.minRating > 0}
        onClick={() => setFilter({ minRating: filter.minRating > 0 ? 0 : 1 })}
      >
        <IconStarFilled size={11} aria-hidden /> {t('history.rated')}
      </button>
      {facets?.models.slice(0, 2).map(({ value }) => (
        <button
          key={value}
          type="button"
          className="chip"
          aria-pressed={filter.models.includes(value)}
          onClick={() => setFilter({ models: toggle(filter.models, value) })}
        >
          {value}
        </button>
      ))}
      {facets?.loras.slice(0, 2).map(({ value }) => (
        <button
          key={value}
          type="button"
          className="chip"
          aria-pressed={filter.loras.includes(value)}
          onClick={() => setFilter({ loras: toggle(filter.loras, value) })}
        >
          {value}
        </button>
      ))}
      <button
        type="button"
        className="chip"
        aria-pressed={week}
        onClick={() => setFilter({ from: week ? undefined : Date.now() - WEEK })}
      >
        {t('history.week')}
      </button>
      <button
        type="button"
        className="chip"
        aria-label={t('history.bin')}
        title={t('history.bin')}
        aria-pressed={filter.deleted}
        onClick={() => setFilter({ deleted: !filter.deleted })}
      >
        <IconTrash size={12} aria-hidden />
      </button>
      {hasFilter(filter) ? (
        <button
          type="button"
          className="chip"
          aria-label={t('history.all')}
          onClick={() => setFilter({ minRating: 0, models: [], loras: [], from: undefined, deleted: false })}
        >
          <IconX size={12} aria-hidden />
        </button>
      ) : null}
    </div>
  );
}
