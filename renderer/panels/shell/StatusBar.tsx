/** The bottom line: the running job with its progress, the jobs that wait, and what went wrong; the queue unfolds above it. */
import { IconChevronDown, IconChevronUp, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Job } from '../../../preload/jobs.ts';
import { useDocument } from '../../stores/document.ts';
import { attempt } from '../../stores/notices.ts';
import { queueSecondsLeft, runningJob, useQueue, waitingJobs } from '../../stores/queue.ts';
import { studio } from '../../stores/studio.ts';
import { useView } from '../../stores/view.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { duration, perStep } from '../../ui/format.ts';
import { QueueList, troubledJobs, useJobName } from './QueueList.tsx';

export function StatusBar() {
  const { t } = useTranslation();
  const running = useQueue(runningJob);
  const paused = useQueue((state) => state.paused);
  const stopping = useQueue((state) => state.stopping);
  const saving = useDocument((state) => state.saving);
  const waiting = useQueue((state) => waitingJobs(state).length);
  const unfolded = useView((state) => state.queueShown);
  return (
    <footer className="bottom" role="status" aria-live="off">
      {running === undefined ? (
        <span className="quiet">{t(paused ? 'queue.paused' : 'queue.idle')}</span>
      ) : (
        <Running job={running} stopping={stopping} />
      )}
      {unfolded ? <QueuePanel /> : <QueueList panel={false} />}
      <QueueButtons paused={paused} waiting={waiting} />
      <span className="quiet status-end">
        {waiting > 0 ? `${t('queue.waiting', { count: waiting })} · ` : ''}
        {t(saving === 'saved' ? 'allSaved' : `saving.${saving}`)}
      </span>
      <FoldButton waiting={waiting} />
    </footer>
  );
}

/** Everything that waits, with room to read it. */
function QueuePanel() {
  const { t } = useTranslation();
  const count = useQueue(
    (state) => state.jobs.filter(({ state: is }) => is === 'running' || is === 'queued').length,
  );
  const troubled = useQueue((state) => troubledJobs(state).length);
  const left = useQueue(queueSecondsLeft);
  return (
    <section className="queue-panel" aria-label={t('queue.panel')}>
      <div className="line spread">
        <h2>{t('queue')}</h2>
        <span className="help">
          {count === 0 ? t('queue.empty') : left === null ? '' : t('left', { time: duration(left) })}
        </span>
        {troubled === 0 ? null : (
          <button
            type="button"
            className="link"
            onClick={() => void attempt(() => studio().queue.clear({ which: 'finished' }))}
          >
            {t('queue.forget')}
          </button>
        )}
      </div>
      <QueueList panel />
    </section>
  );
}

function QueueButtons({ paused, waiting }: { readonly paused: boolean; readonly waiting: number }) {
  const { t } = useTranslation();
  return (
    <>
      {paused || waiting > 0 ? (
        <IconButton
          icon={paused ? IconPlayerPlay : IconPlayerPause}
          label={t(paused ? 'queue.resume' : 'queue.pause')}
          onClick={() => void attempt(() => (paused ? studio().queue.resume() : studio().queue.pause()))}
        />
      ) : null}
      {waiting > 0 ? (
        <button
          type="button"
          className="link"
          onClick={() => void attempt(() => studio().queue.clear({ which: 'queued' }))}
        >
          {t('queue.clear')}
        </button>
      ) : null}
    </>
  );
}

/** At the end of the line, under the panel: it stays where it is when the queue is unfolded. */
function FoldButton({ waiting }: { readonly waiting: number }) {
  const { t } = useTranslation();
  const unfolded = useView((state) => state.queueShown);
  const troubled = useQueue((state) => troubledJobs(state).length);
  if (!unfolded && waiting + troubled === 0) return null;
  return (
    <IconButton
      icon={unfolded ? IconChevronDown : IconChevronUp}
      label={t(unfolded ? 'queue.fold' : 'queue.unfold')}
      onClick={() => useView.setState({ queueShown: !unfolded })}
    />
  );
}

function Running({ job, stopping }: { readonly job: Job; readonly stopping: boolean }) {
  const { t } = useTranslation();
  const name = useJobName()(job);
  const progress = useQueue((state) => (state.progress?.jobId === job.id ? state.progress : null));
  const fraction = progress?.fraction ?? 0;
  const stopWhen = (when: 'now' | 'after-this') => void attempt(() => studio().queue.stop({ when }));
  return (
    <>
      <span className="status-name ellipsis">{name}</span>
      <div
        className="progress"
        role="progressbar"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(fraction * 100)}
      >
        <i style={{ transform: `scaleX(${fraction})` }} />
      </div>
      <span className="status-step">
        {progress === null
          ? t('stage.load')
          : `${t(`stage.${progress.stage}`)} ${progress.step} / ${progress.steps}`}
        {progress?.secondsPerStep == null
          ? ''
          : ` · ${t('perStep', { time: perStep(progress.secondsPerStep) })}`}
        {progress?.secondsLeft == null ? '' : ` · ${t('left', { time: duration(progress.secondsLeft) })}`}
      </span>
      <button type="button" className="link" onClick={() => stopWhen('now')}>
        {t('stop.now')}
      </button>
      <button type="button" className="link" aria-pressed={stopping} onClick={() => stopWhen('after-this')}>
        {t('stop.after')}
      </button>
    </>
  );
}
