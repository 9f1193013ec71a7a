/** The right panel: search, filters, the wall of pictures, and the chosen one with everything about it. */
import { IconBrain, IconSearch, IconStar, IconStarFilled, IconTrash, IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { clearFilter, hasFilter, setFilter, useHistory } from '../../stores/history.ts';
import { Hint } from '../../ui/buttons.tsx';
import { Boards } from './Boards.tsx';
import { FilterMenu } from './FilterMenu.tsx';
import { PictureDetails } from './PictureDetails.tsx';
import { SelectionBar } from './SelectionBar.tsx';
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
      <Boards />
      <Wall />
      <SelectionBar />
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

function Chip({ pressed, onClick, label, hidden = false, children }: ChipProps) {
  return (
    <button
      type="button"
      className="chip"
      data-unseen={hidden}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={onClick}
    >
      {children}
    </button>
  );
}

interface ChipProps {
  readonly pressed: boolean;
  readonly onClick: () => void;
  /** Name of a chip that shows an icon only. */
  readonly label?: string | undefined;
  /** Out of sight and reach, in its place. */
  readonly hidden?: boolean;
  readonly children: ReactNode;
}

/** Models and LoRAs offered as chips, the most used first. */
const OFFERED = 2;
const toggle = (list: readonly string[], value: string): string[] =>
  list.includes(value) ? list.filter((other) => other !== value) : [...list, value];

function Filters() {
  const { t } = useTranslation();
  const filter = useHistory((state) => state.filter);
  const facets = useHistory((state) => state.facets);
  const { models, loras, from } = filter;
  const week = from !== undefined;
  return (
    <div className="chips">
      <Chip pressed={week} onClick={() => setFilter({ from: week ? undefined : Date.now() - WEEK })}>
        {t('history.week')}
      </Chip>
      {facets?.models.slice(0, OFFERED).map(({ value }) => (
        <Chip
          key={value}
          pressed={models.includes(value)}
          onClick={() => setFilter({ models: toggle(models, value) })}
        >
          <span className="ellipsis">{value}</span>
        </Chip>
      ))}
      {facets?.loras.slice(0, OFFERED).map(({ value }) => (
        <Chip
          key={value}
          pressed={loras.includes(value)}
          onClick={() => setFilter({ loras: toggle(loras, value) })}
        >
          <span className="ellipsis">{value}</span>
        </Chip>
      ))}
      <FilterSigns />
    </div>
  );
}

/** Filters that are signs stand together at the end of a line; what clears all filters has its place there, needed or not. */
function FilterSigns() {
  const { t } = useTranslation();
  const filter = useHistory((state) => state.filter);
  const { minRating, deleted } = filter;
  const Star = minRating > 0 ? IconStarFilled : IconStar;
  return (
    <span className="chip-signs">
      <Chip
        label={t('history.all')}
        pressed={false}
        hidden={!hasFilter({ ...filter, text: '' })}
        onClick={clearFilter}
      >
        <IconX size={12} aria-hidden />
      </Chip>
      <Chip
        label={t('history.rated')}
        pressed={minRating > 0}
        onClick={() => setFilter({ minRating: minRating > 0 ? 0 : 1 })}
      >
        <Star size={12} aria-hidden />
      </Chip>
      <FilterMenu />
      <Chip label={t('history.bin')} pressed={deleted} onClick={() => setFilter({ deleted: !deleted })}>
        <IconTrash size={12} aria-hidden />
      </Chip>
    </span>
  );
}
