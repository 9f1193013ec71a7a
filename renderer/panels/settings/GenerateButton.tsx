/** The one big button: Generate with what it will cost, Stop while a job runs. */
import { IconAlertTriangle, IconCircleCheck, IconGridDots, IconPlayerStopFilled } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { generate, stop } from '../../commands/generate.ts';
import { told } from '../../i18n/told.ts';
import { runningJob, useQueue } from '../../stores/queue.ts';
import { useStudio } from '../../stores/studio.ts';
import { openDialog, useView } from '../../stores/view.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { duration } from '../../ui/format.ts';
import { COMMAND_KEY } from '../../ui/keys.ts';

export function GenerateButton() {
  const { t } = useTranslation();
  const running = useQueue(runningJob);
  const sending = useQueue((state) => state.sending);
  const blocked = useQueue(({ plan }) => plan?.warnings.some(({ blocking }) => blocking) ?? false);
  const open = useStudio(({ line }) => line === 'open');
  const live = useView((state) => state.live);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    // To focus, the browser must know where everything is; in a frame it finds that out anyway.
    const frame = requestAnimationFrame(() => {
      if (document.activeElement === document.body || document.activeElement === null)
        button.current?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [open]);
  return (
    <div className="go">
      <Plan />
      <div className="line">
        <button
          ref={button}
          type="button"
          className="button generate"
          data-look="primary"
          aria-keyshortcuts="Control+Enter"
          disabled={!open || blocked || sending > 0}
          onClick={() => void generate()}
        >
          {t('generate')} <kbd aria-hidden>{`${COMMAND_KEY} ⏎`}</kbd>
        </button>
        {running === undefined ? null : (
          <button type="button" className="button stop" onClick={() => void stop()}>
            <IconPlayerStopFilled size={14} aria-hidden /> {t('stop')}
          </button>
        )}
      </div>
      <div className="line spread" style={{ marginTop: 6 }}>
        <label className="switch help" style={{ gap: 8 }}>
          <input
            type="checkbox"
            role="switch"
            aria-checked={live}
            checked={live}
            onChange={({ currentTarget }) => useView.setState({ live: currentTarget.checked })}
          />
          <span>{t('live')}</span>
        </label>
        <IconButton icon={IconGridDots} label={t('sweep')} onClick={() => openDialog('sweep')} />
      </div>
    </div>
  );
}

/** Whether it fits, how long it takes, and what stands in the way. */
function Plan() {
  const { t } = useTranslation();
  const plan = useQueue((state) => state.plan);
  if (plan === null) return <div className="fit" />;
  const tooLarge = plan.verdict === 'too-large';
  const Icon = tooLarge ? IconAlertTriangle : IconCircleCheck;
  return (
    <>
      {plan.warnings.map(({ message, hint, blocking }) => (
        <p key={message} className="help warning" data-blocking={blocking}>
          {told(message)} {told(hint)}
        </p>
      ))}
      <div className="fit">
        <span className="line" style={{ gap: 5 }} data-verdict={plan.verdict}>
          <Icon size={13} aria-hidden />{' '}
          {t(`plan.${plan.verdict}`, {
            size: plan.suggestion === null ? '' : `${plan.suggestion.width} × ${plan.suggestion.height}`,
          })}
        </span>
        <span>{plan.seconds === null ? '' : t('plan.seconds', { time: duration(plan.seconds) })}</span>
      </div>
    </>
  );
}
