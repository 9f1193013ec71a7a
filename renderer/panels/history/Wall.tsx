/** The wall: a hundred thousand thumbnails of which only those in sight exist. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Picture } from '../../../preload/history.ts';
import { dragOut } from '../../client.ts';
import { OWN_PICTURE } from '../../commands/drop.ts';
import { choosePicture, hasFilter, loadPage, PAGE, useHistory } from '../../stores/history.ts';

const COLUMNS = 3;
const GAP = 6;
const CELL = (300 - 2 * 14 - (COLUMNS - 1) * GAP - 1) / COLUMNS;

export function Wall() {
  const { t } = useTranslation();
  const total = useHistory((state) => state.total);
  const pictures = useHistory((state) => state.pictures);
  const filtered = useHistory((state) => hasFilter(state.filter));
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: Math.ceil(total / COLUMNS),
    getScrollElement: () => scroller.current,
    estimateSize: () => CELL + GAP,
    overscan: 4,
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
          <Cell key={index} index={index} total={total} picture={pictures.get(index)} />
        ))}
      </ul>
    </div>
  );
}

function Cell({
  index,
  total,
  picture,
}: {
  readonly index: number;
  readonly total: number;
  readonly picture: Picture | undefined;
}) {
  const { t } = useTranslation();
  const chosen = useHistory((state) => state.chosen?.id === picture?.id && picture !== undefined);
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
      {picture === undefined ? null : (
        <button
          type="button"
          className="wall-picture"
          aria-label={name}
          aria-pressed={chosen}
          title={name}
          onClick={() => void choosePicture(chosen ? null : picture.id)}
          onKeyDown={moveFocus}
          draggable
          onDragStart={(event) => startDrag(event, picture.id)}
        >
          <img src={picture.thumbnailUrl} alt="" loading="lazy" draggable={false} />
          {picture.rating > 0 ? <span className="stars">★ {picture.rating}</span> : null}
        </button>
      )}
    </li>
  );
}

/** To the desktop where the shell can, else within the window. */
function startDrag(event: React.DragEvent, id: number): void {
  if (dragOut(id)) event.preventDefault();
  else event.dataTransfer.setData(OWN_PICTURE, String(id));
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
