/** The boards a picture lies on, and the way onto others. */
import { IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { PictureDetail } from '../../../preload/history.ts';
import { takeOffBoard } from '../../commands/boards.ts';
import { useBoards } from '../../stores/boards.ts';
import { PutOnBoard } from './SelectionBar.tsx';

export function PictureBoards({ picture }: { readonly picture: PictureDetail }) {
  const { t } = useTranslation();
  const boards = useBoards((state) => state.boards).filter(({ id }) => picture.boards.includes(id));
  if (picture.deleted) return null;
  return (
    <section className="picture-boards" aria-label={t('picture.boards')}>
      <h3 className="section-title">{t('boards')}</h3>
      <ul className="chips grow" aria-label={t('picture.boards')}>
        {boards.map(({ id, name }) => (
          <li key={id}>
            <button
              type="button"
              className="chip"
              aria-label={t('board.takeOff', { name })}
              title={t('board.takeOff', { name })}
              onClick={() => takeOffBoard(id, [picture.id])}
            >
              {name} <IconX size={11} aria-hidden />
            </button>
          </li>
        ))}
      </ul>
      <PutOnBoard ids={[picture.id]} />
    </section>
  );
}
