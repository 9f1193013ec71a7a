/** The bottom line: the running job with its progress, the jobs that wait, and what went wrong. */
import {
  IconChevronLeft,
  IconChevronRight,
  IconPlayerPause,
  IconPlayerPlay,
  IconRepeat,
  IconX,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Job } from '../../../preload/jobs.ts';
import { useDocument } from '../../stores/document.ts';
import { attempt } from '../../stores/notices.ts';
import { runningJob, useQueue, waitingJobs } from '../../stores/queue.ts';
import { studio } from '../../stores/studio.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { duration, perStep } from '../../ui/format.ts';

/** Troubled jobs shown at once. */
const TROUBLED = 2;

export function StatusBar() {
  const { t } = useTranslation();
  const running = useQueue(runningJob);
  const waiting = useQueue((state) => state.jobs);
  const paused = useQueue((state) => state.paused);
  const stopping = useQueue((state) => state.stopping);
  const saving = useDocument((state) => state.saving);
  const queued = waitingJobs({ jobs: waiting });
  const troubled = waiting
    .filter(({ state }) => state === 'failed' || state === 'interrupted' || state === 'paused')
    .slice(-TROUBLED);
  return (
    <footer className="bottom" role="status" aria-live="off">
      {running === undefined ? (
        <span className="quiet">{t(paused ? 'queue.paused' : 'queue.idle')}</span>
      ) : (
        <Running job={running} stopping={stopping} />
      )}
      <ol className="queue" aria-label={t('queue')}>
        {running === undefined ? null : <QueueItem key={running.id} job={running} queued={queued} />}
        {queued.map((job) => (
          <QueueItem key={job.id} job={job} queued={queued} />
        ))}
        {troubled.map((job) => (
          <TroubledItem key={job.id} job={job} />
        ))}
      </ol>
      {paused || queued.length > 0 ? (
        <IconButton
          icon={paused ? IconPlayerPlay : IconPlayerPause}
          label={t(paused ? 'queue.resume' : 'queue.pause')}
          onClick={() => void attempt(() => (paused ? studio().queue.resume() : studio().queue.pause()))}
        />
      ) : null}
      {queued.length > 0 ? (
        <button
          type="button"
          className="link"
          onClick={() => void attempt(() => studio().queue.clear({ which: 'queued' }))}
        >
          {t('queue.clear')}
        </button>
      ) : null}
      <span className="quiet status-end">
        {queued.length > 0 ? `${t('queue.waiting', { count: queued.length })} · ` : ''}
        {t(saving === 'saved' ? 'allSaved' : `saving.${saving}`)}
      </span>
    </footer>
  );
}

/** What a job is called: its kind and the beginning of its prompt. */
function useJobName(): (job: Job) => string {
  const { t } = useTranslation();
  return ({ request }) => {
    const words = 'prompt' in request ? request.prompt : 'name' in request ? request.name : '';
    return words === '' ? t(`kind.${request.kind}`) : `${t(`kind.${request.kind}`)} “${words}”`;
  };
}

function Running({ job, stopping }: { readonly job: Job; readonly stopping: boolean }) {
  const { t } = useTranslation();
  const name = useJobName();
  const progress = useQueue((state) => (state.progress?.jobId === job.id ? state.progress : null));
  const fraction = progress?.fraction ?? 0;
  return (
    <>
      <span className="status-name ellipsis">{name(job)}</span>
      <div
        className="progress"
        role="progressbar"
        aria-label={name(job)}
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
      <button
        type="button"
        className="link"
        onClick={() => void attempt(() => studio().queue.stop({ when: 'now' }))}
      >
        {t('stop.now')}
      </button>
      <button
        type="button"
        className="link"
        aria-pressed={stopping}
        onClick={() => void attempt(() => studio().queue.stop({ when: 'after-this' }))}
      >
        {t('stop.after')}
      </button>
    </>
  );
}

function QueueItem({ job, queued }: { readonly job: Job; readonly queued: readonly Job[] }) {
  const { t } = useTranslation();
  const name = useJobName()(job);
  const place = queued.indexOf(job);
  const move = (before: number | null) => void attempt(() => studio().queue.move({ id: job.id, before }));
  return (
    <li className="queue-item" aria-label={name} data-running={place < 0}>
      <span className="ellipsis" title={name}>
        {place < 0
          ? t('queue.running')
          : `${place + 1} · ${'prompt' in job.request ? job.request.prompt : name}`}
      </span>
      {place < 0 ? null : (
        <>
          <IconButton
            size="small"
            icon={IconChevronLeft}
            label={t('queue.up')}
            disabled={place === 0}
            onClick={() => move(queued[place - 1]!.id)}
          />
          <IconButton
            size="small"
            icon={IconChevronRight}
            label={t('queue.down')}
            disabled={place === queued.length - 1}
            onClick={() => move(queued[place + 2]?.id ?? null)}
          />
        </>
      )}
      <IconButton
        size="small"
        icon={IconX}
        label={t('cancel')}
        onClick={() => void attempt(() => studio().queue.cancel({ id: job.id }))}
      />
    </li>
  );
}

function TroubledItem({ job }: { readonly job: Job }) {
  const { t } = useTranslation();
  const name = useJobName()(job);
  const reason = job.error === null ? t(`job.${job.state}`) : `${job.error.message} ${job.error.hint}`;
  const again = () =>
    void attempt(() =>
      job.state === 'failed'
        ? studio().queue.repeat({ id: job.id })
        : studio().queue.continue({ id: job.id }),
    );
  return (
    <li className="queue-item" data-troubled aria-label={name}>
      <span className="ellipsis" title={reason}>
        {t(`job.${job.state}`)} · {name}
      </span>
      <IconButton
        size="small"
        icon={IconRepeat}
        label={t(job.state === 'failed' ? 'job.repeat' : 'job.continue')}
        onClick={again}
      />
      <IconButton
        size="small"
        icon={IconX}
        label={t('dismiss')}
        onClick={() => void attempt(() => studio().queue.clear({ which: 'finished' }))}
      />
    </li>
  );
}
