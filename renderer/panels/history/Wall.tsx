/** The wall: a hundred thousand thumbnails of which only those in sight exist. */

import { IconCheck } from '@tabler/icons-react';
import { elementScroll, useVirtualizer, type VirtualizerOptions } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Picture } from '../../../preload/history.ts';
import { deletePictures } from '../../commands/results.ts';
import { choosePicture, hasFilter, loadPage, PAGE, useHistory } from '../../stores/history.ts';
import { clearSelection, meantBy, selectTo, toggleSelected, useSelection } from '../../stores/selection.ts';
import { startDrag } from './dragging.ts';
import { type MenuPlace, PictureMenu } from './PictureMenu.tsx';

const COLUMNS = 3;
const GAP = 6;
const CELL = (300 - 2 * 14 - (COLUMNS - 1) * GAP - 1) / COLUMNS;

export function Wall() {
  const { t } = useTranslation();
  const total = useHistory((state) => state.total);
  const pictures = useHistory((state) => state.pictures);
  const filtered = useHistory((state) => hasFilter(state.filter));
  const scroller = useRef<HTMLDivElement>(null);
  const [menu, setMenu] = useState<MenuPlace | null>(null);
  const rows = useVirtualizer({
    count: Math.ceil(total / COLUMNS),
    getScrollElement: () => scroller.current,
    estimateSize: () => CELL + GAP,
    overscan: 4,
    observeElementRect: followRect,
    scrollToFn: scrollTo,
  });
  const items = rows.getVirtualItems();
  const first = (items[0]?.index ?? 0) * COLUMNS;
  const last = Math.min(((items.at(-1)?.index ?? 0) + 1) * COLUMNS, total);
  useEffect(() => {
    for (let index = first; index < last; index += PAGE) void loadPage(index);
    if (last > 0) void loadPage(last - 1);
  }, [first, last]);
  return (
    <div ref={scroller} className="wall">
      {total === 0 ? <p className="empty">{t(filtered ? 'history.nothing' : 'history.empty')}</p> : null}
      <ul aria-label={t('pictures')} style={{ height: rows.getTotalSize() }}>
        {Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i).map((index) => (
          <Cell key={index} index={index} total={total} picture={pictures.get(index)} onMenu={setMenu} />
        ))}
      </ul>
      {menu === null ? null : <PictureMenu place={menu} onClose={() => setMenu(null)} />}
    </div>
  );
}

/** Hears the size when the browser has laid the page out anyway; asked for at once, it would have to do so in the middle of a task. */
const followRect: Options['observeElementRect'] = ({ scrollElement }, tell) => {
  const observer = new ResizeObserver(([entry]) => {
    if (entry !== undefined) tell(entry.contentRect);
  });
  if (scrollElement !== null) observer.observe(scrollElement);
  return () => observer.disconnect();
};
type Options = VirtualizerOptions<HTMLDivElement, Element>;

/** The wall is where it is to be when it appears: scrolling there would have the page laid out in the middle of a task too. */
const scrollTo: Options['scrollToFn'] = (offset, options, wall) => {
  if (offset !== wall.scrollOffset || options.adjustments) elementScroll(offset, options, wall);
};

function Cell({
  index,
  total,
  picture,
  onMenu,
}: {
  readonly index: number;
  readonly total: number;
  readonly picture: Picture | undefined;
  readonly onMenu: (place: MenuPlace) => void;
}) {
  const { t } = useTranslation();
  const x = (index % COLUMNS) * (CELL + GAP);
  const y = Math.floor(index / COLUMNS) * (CELL + GAP);
  const name = picture === undefined ? t('loading') : picture.prompt || t('history.noPrompt');
  return (
    <li
      aria-label={name}
      aria-setsize={total}
      aria-posinset={index + 1}
      style={{ translate: `${x}px ${y}px`, width: CELL, height: CELL }}
    >
      {picture === undefined ? null : <WallPicture {...{ index, picture, name, onMenu }} />}
    </li>
  );
}

interface WallPictureProps {
  readonly index: number;
  readonly picture: Picture;
  readonly name: string;
  readonly onMenu: (place: MenuPlace) => void;
}

/** A click looks at it; with Ctrl it is selected, with Shift everything up to it. */
function WallPicture({ index, picture: { id, thumbnailUrl, rating }, name, onMenu }: WallPictureProps) {
  const { t } = useTranslation();
  const chosen = useHistory((state) => state.chosen?.id === id);
  const selected = useSelection(({ ids }) => ids.has(id));
  const click = ({ ctrlKey, metaKey, shiftKey }: React.MouseEvent) => {
    if (ctrlKey || metaKey) return toggleSelected(id, index);
    if (shiftKey) return selectTo(index);
    clearSelection();
    void choosePicture(chosen ? null : id);
  };
  const press = (event: React.KeyboardEvent<HTMLButtonElement>) => {
    if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault();
      toggleSelected(id, index);
    } else if (event.key === 'Delete') deletePictures(meantBy(id));
    else moveFocus(event);
  };
  return (
    <button
      type="button"
      className="wall-picture"
      aria-label={name}
      aria-description={selected ? t('picture.selected') : undefined}
      aria-pressed={chosen}
      data-selected={selected}
      title={name}
      onClick={click}
      onKeyDown={press}
      onContextMenu={(event) => {
        event.preventDefault();
        onMenu({ ids: meantBy(id), x: event.clientX, y: event.clientY });
      }}
      draggable
      onDragStart={(event) => startDrag(event, id)}
    >
      <img src={thumbnailUrl} alt="" loading="lazy" draggable={false} />
      {rating > 0 ? <span className="stars">★ {rating}</span> : null}
      {selected ? (
        <span className="wall-check" aria-hidden>
          <IconCheck size={12} stroke={2.4} />
        </span>
      ) : null}
    </button>
  );
}

/** Arrow keys walk over the wall. */
function moveFocus(event: React.KeyboardEvent<HTMLButtonElement>): void {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -COLUMNS,
    ArrowDown: COLUMNS,
  };
  const step = steps[event.key];
  if (step === undefined) return;
  const cells = [
    ...(event.currentTarget.closest('ul')?.querySelectorAll<HTMLButtonElement>('.wall-picture') ?? []),
  ];
  cells[cells.indexOf(event.currentTarget) + step]?.focus();
  event.preventDefault();
}
