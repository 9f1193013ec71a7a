/** Under the wall while pictures are selected: how many, and what to do with them all. */
import { Menu } from '@mantine/core';
import {
  IconDownload,
  IconFolderMinus,
  IconFolderPlus,
  IconRestore,
  IconTrash,
  IconX,
} from '@tabler/icons-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { takeOffBoard } from '../../commands/boards.ts';
import { exportPictures } from '../../commands/export.ts';
import { deletePictures, restorePictures } from '../../commands/results.ts';
import { useBoards } from '../../stores/boards.ts';
import { useHistory } from '../../stores/history.ts';
import { clearSelection, useSelection } from '../../stores/selection.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { BoardItems } from './PictureMenu.tsx';

export function SelectionBar() {
  const { t } = useTranslation();
  const selected = useSelection((state) => state.ids);
  const { boardId, deleted } = useHistory((state) => state.filter);
  const board = useBoards(({ boards }) => boards.find(({ id }) => id === boardId));
  if (selected.size === 0) return null;
  const ids = [...selected];
  return (
    <div className="selection-bar" role="toolbar" aria-label={t('selection')}>
      <span className="grow">{t('selected', { count: ids.length })}</span>
      {deleted ? (
        <IconButton icon={IconRestore} label={t('restore')} onClick={() => restorePictures(ids)} />
      ) : (
        <>
          <PutOnBoard ids={ids} />
          {board === undefined ? null : (
            <IconButton
              icon={IconFolderMinus}
              label={t('board.takeOff', { name: board.name })}
              onClick={() => takeOffBoard(board.id, ids)}
            />
          )}
          <IconButton
            icon={IconDownload}
            label={t('selection.export')}
            onClick={() => void exportPictures(ids)}
          />
          <IconButton icon={IconTrash} label={t('selection.delete')} onClick={() => deletePictures(ids)} />
        </>
      )}
      <IconButton icon={IconX} label={t('selection.clear')} onClick={clearSelection} />
    </div>
  );
}

/** A button with the boards under it. */
export function PutOnBoard({ ids }: { readonly ids: readonly number[] }) {
  const { t } = useTranslation();
  const button = useRef<HTMLButtonElement>(null);
  return (
    // The focus returns at once and not later, when it would be taken from the name of a new board.
    <Menu
      position="bottom-end"
      width={220}
      withinPortal
      returnFocus={false}
      onClose={() => button.current?.focus()}
      transitionProps={{ duration: 80 }}
    >
      <Menu.Target>
        <button
          ref={button}
          type="button"
          className="icon-button"
          aria-label={t('board.add')}
          title={t('board.add')}
        >
          <IconFolderPlus size={17} stroke={1.6} />
        </button>
      </Menu.Target>
      <Menu.Dropdown className="picture-menu">
        <BoardItems ids={ids} />
      </Menu.Dropdown>
    </Menu>
  );
}
