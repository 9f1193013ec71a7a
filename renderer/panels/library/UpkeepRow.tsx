/** One model file that may go: what it is, when it was used, and the bin. */
import { IconFolder } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ModelCard } from '../../../preload/models.ts';
import { attempt } from '../../stores/notices.ts';
import { studio, useStudio } from '../../stores/studio.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { ConfirmButton } from '../../ui/ConfirmButton.tsx';
import { fileSize, moment } from '../../ui/format.ts';

export function UpkeepRow({ card, title }: { readonly card: ModelCard; readonly title: string }) {
  const { t, i18n } = useTranslation();
  const shell = useStudio(({ info }) => info?.shell);
  const { id, path, type, bytes, uses, lastUsed } = card;
  const used =
    lastUsed === null
      ? t('upkeep.never')
      : t('upkeep.used', { count: uses, when: moment(lastUsed, i18n.language) });
  return (
    <li className="line check">
      <span className="grow">
        <span className="path" title={path} data-selectable>
          {title}
        </span>
        <span className="help">
          {t(`type.${type}`)} · {fileSize(bytes)} · {used}
        </span>
      </span>
      {shell === 'electron' ? (
        <IconButton
          icon={IconFolder}
          label={t('model.reveal')}
          onClick={() => void attempt(() => studio().app.reveal({ path }))}
        />
      ) : null}
      <ConfirmButton
        label={t('model.delete')}
        about={title}
        sure={t('upkeep.delete.sure')}
        onConfirm={() => void attempt(() => studio().models.delete({ id }))}
      />
    </li>
  );
}
