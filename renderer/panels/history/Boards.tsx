/** The boards above the wall: each shows its pictures alone when pressed, and takes pictures dropped on it. */
import { Menu } from '@mantine/core';
import { IconDots, IconPencil, IconPhoto, IconPlus, IconTrash } from '@tabler/icons-react';
import { type DragEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Board } from '../../../preload/history.ts';
import {
  addToBoard,
  createNamedBoard,
  deleteBoard,
  draggedPictures,
  renameBoard,
  showBoard,
} from '../../commands/boards.ts';
import { nameBoardFor, stopNaming, useBoards } from '../../stores/boards.ts';
import { useHistory } from '../../stores/history.ts';
import { IconButton } from '../../ui/buttons.tsx';

export function Boards() {
  const { t } = useTranslation();
  const boards = useBoards((state) => state.boards);
  const namingFor = useBoards((state) => state.namingFor);
  return (
    <section className="boards" aria-label={t('boards')}>
      <div className="line spread">
        <h2 className="section-title">{t('boards')}</h2>
        <IconButton size="small" icon={IconPlus} label={t('board.new')} onClick={() => nameBoardFor([])} />
      </div>
      {namingFor === null ? null : (
        <NameField
          label={t('board.name')}
          name=""
          onName={(name) => void createNamedBoard(name)}
          onLeave={stopNaming}
        />
      )}
      {boards.length === 0 ? null : (
        <ul className="board-list" aria-label={t('boards')}>
          {boards.map((board) => (
            <BoardRow key={board.id} board={board} />
          ))}
        </ul>
      )}
    </section>
  );
}

function BoardRow({ board }: { readonly board: Board }) {
  const { t } = useTranslation();
  const { id, name } = board;
  const shown = useHistory(({ filter }) => filter.boardId === id);
  const [renaming, setRenaming] = useState(false);
  const { hovered, ...target } = useDropTarget(id);
  const rename = (next: string) => {
    setRenaming(false);
    if (next !== name) void renameBoard(id, next);
  };
  if (renaming)
    return (
      <li className="board-naming">
        <NameField label={t('board.name')} name={name} onName={rename} onLeave={() => setRenaming(false)} />
      </li>
    );
  return (
    <li className="board" data-hovered={hovered} data-shown={shown} {...target}>
      <BoardButton board={board} shown={shown} />
      <BoardMenu board={board} onRename={() => setRenaming(true)} />
    </li>
  );
}

function BoardButton({ board, shown }: { readonly board: Board; readonly shown: boolean }) {
  const { id, name, pictures, coverUrl } = board;
  return (
    <button
      type="button"
      className="board-name"
      aria-pressed={shown}
      title={name}
      onClick={() => showBoard(id)}
    >
      {coverUrl === null ? (
        <span className="board-cover">
          <IconPhoto size={14} stroke={1.4} aria-hidden />
        </span>
      ) : (
        <img className="board-cover" src={coverUrl} alt="" draggable={false} />
      )}
      <span className="grow ellipsis">{name}</span> <span className="board-count">{pictures}</span>
    </button>
  );
}

/** A board takes pictures of the wall that are dropped on it. */
function useDropTarget(id: number) {
  const [hovered, setHovered] = useState(false);
  // Taken before the window itself would put them on the canvas.
  const taken = (event: DragEvent): readonly number[] => {
    const ids = draggedPictures();
    if (ids.length > 0) {
      event.preventDefault();
      event.stopPropagation();
    }
    return ids;
  };
  return {
    hovered,
    onDragOver: (event: DragEvent) => setHovered(taken(event).length > 0),
    onDragLeave: () => setHovered(false),
    onDrop: (event: DragEvent) => {
      setHovered(false);
      const ids = taken(event);
      if (ids.length > 0) void addToBoard(id, ids);
    },
  };
}

function BoardMenu({ board, onRename }: { readonly board: Board; readonly onRename: () => void }) {
  const { t } = useTranslation();
  const [sure, setSure] = useState(false);
  return (
    <Menu
      position="bottom-end"
      width={220}
      withinPortal
      transitionProps={{ duration: 80 }}
      onClose={() => setSure(false)}
    >
      <Menu.Target>
        <button
          type="button"
          className="icon-button board-more"
          data-size="small"
          aria-label={t('board.more', { name: board.name })}
          title={t('board.more', { name: board.name })}
        >
          <IconDots size={14} stroke={1.6} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconPencil size={14} stroke={1.6} />} onClick={onRename}>
          {t('board.rename')}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconTrash size={14} stroke={1.6} />}
          closeMenuOnClick={sure}
          data-danger={sure}
          onClick={() => (sure ? void deleteBoard(board.id) : setSure(true))}
        >
          {t(sure ? 'board.delete.sure' : 'board.delete')}
        </Menu.Item>
        {sure ? <Menu.Label>{t('board.delete.help')}</Menu.Label> : null}
      </Menu.Dropdown>
    </Menu>
  );
}

interface NameFieldProps {
  readonly label: string;
  readonly name: string;
  readonly onName: (name: string) => void;
  readonly onLeave: () => void;
}

/** A name being typed: Enter takes it, Escape or leaving the field does not. */
function NameField({ label, name, onName, onLeave }: NameFieldProps) {
  return (
    <input
      className="input"
      type="text"
      aria-label={label}
      placeholder={label}
      defaultValue={name}
      maxLength={200}
      ref={(field) => field?.select()}
      onBlur={onLeave}
      onKeyDown={(event) => {
        if (event.key === 'Enter') onName(event.currentTarget.value);
        else if (event.key === 'Escape') onLeave();
        event.stopPropagation();
      }}
    />
  );
}
