/** What can be done with pictures of the wall, as a menu: at the pointer, or under a button. */
import { Menu, Portal } from '@mantine/core';
import {
  IconDownload,
  IconFolderMinus,
  IconFolderPlus,
  IconPlus,
  IconRestore,
  IconTrash,
} from '@tabler/icons-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { addToBoard, takeOffBoard } from '../../commands/boards.ts';
import { exportPictures } from '../../commands/export.ts';
import { deletePictures, restorePictures } from '../../commands/results.ts';
import { nameBoardFor, useBoards } from '../../stores/boards.ts';
import { useHistory } from '../../stores/history.ts';

const GLYPH = { size: 14, stroke: 1.6 } as const;

/** The boards to put pictures on, and a new one. */
export function BoardItems({ ids }: { readonly ids: readonly number[] }) {
  const { t } = useTranslation();
  const boards = useBoards((state) => state.boards);
  return (
    <>
      <Menu.Label>{t('board.add')}</Menu.Label>
      {boards.map(({ id, name }) => (
        <Menu.Item
          key={id}
          leftSection={<IconFolderPlus {...GLYPH} />}
          onClick={() => void addToBoard(id, ids)}
        >
          {name}
        </Menu.Item>
      ))}
      <Menu.Item leftSection={<IconPlus {...GLYPH} />} onClick={() => nameBoardFor(ids)}>
        {t('board.new')}
      </Menu.Item>
    </>
  );
}

export interface MenuPlace {
  readonly ids: readonly number[];
  /** CSS pixels of the window. */
  readonly x: number;
  readonly y: number;
}

/** The menu of the right mouse button, and of the menu key. */
export function PictureMenu({ place, onClose }: { readonly place: MenuPlace; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const opener = useRef(document.activeElement);
  const close = () => {
    onClose();
    if (opener.current instanceof HTMLElement) opener.current.focus();
  };
  return (
    <Portal>
      <Menu opened onClose={close} position="bottom-start" width={220} transitionProps={{ duration: 80 }}>
        <Menu.Target>
          <button
            type="button"
            className="menu-anchor"
            tabIndex={-1}
            aria-label={t('picture.menu')}
            style={{ left: place.x, top: place.y }}
          />
        </Menu.Target>
        <Menu.Dropdown className="picture-menu">
          {place.ids.length > 1 ? (
            <Menu.Label>{t('selected', { count: place.ids.length })}</Menu.Label>
          ) : null}
          <PictureItems ids={place.ids} />
        </Menu.Dropdown>
      </Menu>
    </Portal>
  );
}

function PictureItems({ ids }: { readonly ids: readonly number[] }) {
  const { t } = useTranslation();
  const { boardId, deleted } = useHistory((state) => state.filter);
  const board = useBoards(({ boards }) => boards.find(({ id }) => id === boardId));
  if (deleted)
    return (
      <Menu.Item leftSection={<IconRestore {...GLYPH} />} onClick={() => restorePictures(ids)}>
        {t('restore')}
      </Menu.Item>
    );
  return (
    <>
      <BoardItems ids={ids} />
      {board === undefined ? null : (
        <Menu.Item leftSection={<IconFolderMinus {...GLYPH} />} onClick={() => takeOffBoard(board.id, ids)}>
          {t('board.takeOff', { name: board.name })}
        </Menu.Item>
      )}
      <Menu.Divider />
      <Menu.Item leftSection={<IconDownload {...GLYPH} />} onClick={() => void exportPictures(ids)}>
        {t('export')}
      </Menu.Item>
      <Menu.Item leftSection={<IconTrash {...GLYPH} />} onClick={() => deletePictures(ids)}>
        {t('delete')}
      </Menu.Item>
    </>
  );
}
