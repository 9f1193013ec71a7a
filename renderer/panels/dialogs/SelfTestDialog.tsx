/** The device page: what was probed, what was chosen and why, and a test of the whole studio. */
import { IconCircleCheck, IconCircleMinus, IconCircleX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { told } from '../../i18n/told.ts';
import { attempt } from '../../stores/notices.ts';
import { studio, useStudio } from '../../stores/studio.ts';
import { Button } from '../../ui/buttons.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { deviceName } from '../../ui/format.ts';

type Checks = Awaited<ReturnType<ReturnType<typeof studio>['app']['selfTest']>>['checks'];

export function SelfTestDialog({ onClose }: { readonly onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const [checks, setChecks] = useState<Checks | null>(null);
  const [running, setRunning] = useState(false);
  const run = async () => {
    setRunning(true);
    const result = await attempt(() => studio().app.selfTest());
    setChecks(result?.checks ?? null);
    setRunning(false);
  };
  return (
    <Dialog title={t('selfTest')} closeLabel={t('close')} onClose={onClose} width={620}>
      <div className="stack">
        <DeviceList />
        <section>
          <div className="line spread">
            <h3 className="section-title">{t('selfTest.checks')}</h3>
            <Button size="small" disabled={running} onClick={() => void run()}>
              {t(running ? 'selfTest.running' : 'selfTest.run')}
            </Button>
          </div>
          <ul className="rows" aria-live="polite">
            {checks?.map(({ name, passed, detail, milliseconds }) => (
              <Check
                key={name}
                state={passed ? 'passed' : 'failed'}
                name={i18n.exists(`check.${name}`) ? t(`check.${name}`) : name}
                detail={detail}
                aside={`${Math.round(milliseconds)} ms`}
                badge=""
              />
            ))}
          </ul>
          {checks === null ? <p className="help">{t('selfTest.help')}</p> : null}
        </section>
      </div>
    </Dialog>
  );
}

/** What was probed, and which one is used and why. */
function DeviceList() {
  const { t } = useTranslation();
  const devices = useStudio((state) => state.devices);
  return (
    <section>
      <h3 className="section-title">{t('devices')}</h3>
      <ul className="rows">
        {usableFirst(devices?.devices ?? []).map(({ name, usable, reason, gflops }) => (
          <Check
            key={name}
            state={usable ? 'passed' : 'absent'}
            name={deviceName(name)}
            detail={reason}
            aside={gflops === null || reason.includes('GFLOP/s') ? '' : `${Math.round(gflops)} GFLOP/s`}
            badge={name === devices?.chosen ? t('device.chosen') : ''}
          />
        ))}
      </ul>
      {devices === null ? (
        <p className="help">{t('loading')}</p>
      ) : (
        <p className="help">
          {t('device.why', { device: deviceName(devices.chosen), reason: told(devices.reason) })}
        </p>
      )}
    </section>
  );
}

const usableFirst = <D extends { readonly usable: boolean }>(devices: readonly D[]): D[] =>
  devices.toSorted((a, b) => Number(b.usable) - Number(a.usable));

/** A device that the machine does not have is no failure. */
const CHECK_ICONS = { passed: IconCircleCheck, failed: IconCircleX, absent: IconCircleMinus } as const;

function Check({
  state,
  name,
  detail,
  aside,
  badge,
}: {
  readonly state: keyof typeof CHECK_ICONS;
  readonly name: string;
  readonly detail: string;
  readonly aside: string;
  readonly badge: string;
}) {
  const { t } = useTranslation();
  const Icon = CHECK_ICONS[state];
  return (
    <li className="line check" data-state={state}>
      <Icon size={17} stroke={1.6} aria-label={t(state)} />
      <span className="grow">
        <span className="line">
          {name} {badge === '' ? null : <span className="badge">{badge}</span>}
        </span>
        <span className="help">{told(detail)}</span>
      </span>
      <span className="dim">{aside}</span>
    </li>
  );
}
