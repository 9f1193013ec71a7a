/** What the studio takes on the disk, a row a kind, with what can be emptied. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { DiskUse } from '../../../preload/models.ts';
import { attempt } from '../../stores/notices.ts';
import { studio } from '../../stores/studio.ts';
import { ConfirmButton } from '../../ui/ConfirmButton.tsx';
import { fileSize } from '../../ui/format.ts';

interface Row {
  readonly name: string;
  readonly bytes: number;
  readonly action?: ReactNode;
}

export function DiskTable({ disk, onChange }: { readonly disk: DiskUse; readonly onChange: () => void }) {
  const { t } = useTranslation();
  const rows = useRows(disk, onChange).filter(({ bytes }) => bytes > 0);
  const largest = Math.max(...rows.map(({ bytes }) => bytes), 1);
  return (
    <section aria-label={t('upkeep.disk')}>
      <h3>{t('upkeep.disk')}</h3>
      <table className="disk">
        <tbody>
          {rows.map(({ name, bytes, action }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td className="disk-bar">
                <i style={{ width: `${(bytes / largest) * 100}%` }} />
              </td>
              <td className="disk-size">{fileSize(bytes)}</td>
              <td className="disk-action">{action}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="help">{t('upkeep.free', { size: fileSize(disk.free) })}</p>
    </section>
  );
}

function useRows(disk: DiskUse, onChange: () => void): Row[] {
  const { t } = useTranslation();
  const after = (work: () => Promise<unknown>) => void attempt(work).then(onChange);
  return [
    ...disk.models.map(({ value, count }) => ({ name: t(`type.${value}`), bytes: count })),
    { name: t('upkeep.pictures', { count: disk.pictures.count }), bytes: disk.pictures.bytes },
    {
      name: t('upkeep.bin', { count: disk.bin.count }),
      bytes: disk.bin.bytes,
      action: (
        <ConfirmButton
          label={t('upkeep.emptyBin')}
          sure={t('upkeep.emptyBin.sure')}
          onConfirm={() => after(() => studio().history.emptyBin({ deletedBefore: Date.now() + 1 }))}
        />
      ),
    },
    ...disk.copies.map(({ kind, bytes }) => ({
      name: t(`copies.${kind}`),
      bytes,
      action: (
        <ConfirmButton
          label={t('delete')}
          about={t(`copies.${kind}`)}
          sure={t('copies.sure')}
          onConfirm={() => after(() => studio().models.clearCache({ kind }))}
        />
      ),
    })),
    { name: t('upkeep.training'), bytes: disk.training },
    { name: t('upkeep.code'), bytes: disk.code },
  ];
}
