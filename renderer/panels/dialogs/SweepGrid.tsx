/** The last sweep: its pictures so far, in their places; stopping it, letting it go on, saving it as one picture. */
import { IconDownload, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { continueSweep, stopSweep } from '../../commands/sweep.ts';
import { exportSweep } from '../../commands/sweepPicture.ts';
import { shownValue } from '../../request/sweep.ts';
import { type Cell, haltedJobs, openJobs, type Sweep } from '../../request/sweepCells.ts';
import { useSweep } from '../../stores/sweep.ts';
import { Button } from '../../ui/buttons.tsx';

export function SweepGrid() {
  const sweep = useSweep((state) => state.sweep);
  if (sweep === null) return null;
  return (
    <>
      <SweepActions sweep={sweep} />
      <SweepTable sweep={sweep} />
    </>
  );
}

function SweepActions({ sweep: { cells } }: { readonly sweep: Sweep }) {
  const { t } = useTranslation();
  const sending = useSweep((state) => state.sending);
  const all = cells.flat();
  const painted = all.filter(({ url }) => url !== null).length;
  const open = sending || openJobs(cells).length > 0;
  return (
    <div className="line spread">
      <span className="help" aria-live="polite">
        {t('sweep.painted', { painted, count: all.length })}
      </span>
      <span className="line">
        {open ? (
          <Button size="small" icon={IconPlayerStop} onClick={() => void stopSweep()}>
            {t('sweep.stop')}
          </Button>
        ) : null}
        {!open && haltedJobs(cells).length > 0 ? (
          <Button size="small" icon={IconPlayerPlay} onClick={() => void continueSweep()}>
            {t('sweep.continue')}
          </Button>
        ) : null}
        <Button size="small" icon={IconDownload} disabled={painted === 0} onClick={() => void exportSweep()}>
          {t('sweep.save')}
        </Button>
      </span>
    </div>
  );
}

function SweepTable({ sweep: { x, y, cells } }: { readonly sweep: Sweep }) {
  const { t } = useTranslation();
  const rows = cells.map((row, i) => ({ row, value: y?.values[i] ?? '' }));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <div className="sweep-scroll" tabIndex={0}>
      <table className="sweep" aria-label={t('sweep.grid')}>
        <thead>
          <tr>
            <td />
            {x.values.map((value) => (
              <th key={value} scope="col">
                {shownValue(x, value)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ row, value }) => (
            <tr key={value}>
              <th scope="row">{y === null ? '' : shownValue(y, value)}</th>
              {row.map((cell, j) => (
                <td key={x.values[j]}>
                  <SweepCell cell={cell} name={`${x.values[j]} ${value}`.trim()} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SweepCell({ cell: { url, state }, name }: { readonly cell: Cell; readonly name: string }) {
  const { t } = useTranslation();
  if (url !== null) return <img src={url} alt={name} />;
  return (
    <span className="sweep-empty" data-state={state}>
      {t(`sweep.cell.${state === 'done' ? 'running' : state}`)}
    </span>
  );
}
