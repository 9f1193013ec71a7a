/** The jobs that run, wait, or went wrong: a strip in the status bar, or the same list as a panel above it. */
import {
  IconAlertTriangle,
  IconArrowDown,
  IconArrowUp,
  IconChevronLeft,
  IconChevronRight,
  IconRepeat,
  IconX,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Job } from '../../../preload/jobs.ts';
import { told } from '../../i18n/told.ts';
import { attempt } from '../../stores/notices.ts';
import { runningJob, useQueue, waitingJobs } from '../../stores/queue.ts';
import { studio } from '../../stores/studio.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { useKeptFocus } from '../../ui/keptFocus.ts';
import { ErrorDetails } from './ErrorDetails.tsx';

/** Troubled jobs in the strip; the panel shows them all. */
const TROUBLED = 2;
const STATES: ReadonlySet<Job['state']> = new Set(['failed', 'interrupted', 'paused']);

export const troubledJobs = ({ jobs }: { readonly jobs: readonly Job[] }): Job[] =>
  jobs.filter(({ state }) => STATES.has(state));

/** What a job is called: its kind and the beginning of its prompt. */
export function useJobName(): (job: Job) => string {
  const { t } = useTranslation();
  return ({ request }) => {
    const words = 'prompt' in request ? request.prompt : 'name' in request ? request.name : '';
    return words === '' ? t(`kind.${request.kind}`) : `${t(`kind.${request.kind}`)} “${words}”`;
  };
}

export function QueueList({ panel }: { readonly panel: boolean }) {
  const { t } = useTranslation();
  const jobs = useQueue((state) => state.jobs);
  const running = runningJob({ jobs });
  const queued = waitingJobs({ jobs });
  const troubled = panel ? troubledJobs({ jobs }).reverse() : troubledJobs({ jobs }).slice(-TROUBLED);
  const around = useKeptFocus<HTMLOListElement>();
  return (
    <ol ref={around} className="queue" aria-label={t('queue')}>
      {running === undefined ? null : (
        <QueueItem key={running.id} job={running} queued={queued} panel={panel} />
      )}
      {queued.map((job) => (
        <QueueItem key={job.id} job={job} queued={queued} panel={panel} />
      ))}
      {troubled.map((job) => (
        <TroubledItem key={job.id} job={job} panel={panel} />
      ))}
    </ol>
  );
}

/** "512 × 512 · 20 steps": what tells one job from the next. */
function useFacts(): (job: Job) => string {
  const { t } = useTranslation();
  return ({ request }) => {
    if (request.kind === 'upscale') return '';
    if (request.kind === 'train-lora') return t('queue.steps', { count: request.steps });
    const { width, height, steps, batch } = request;
    const times = batch > 1 ? ` · × ${batch}` : '';
    return `${width} × ${height} · ${t('queue.steps', { count: steps })}${times}`;
  };
}

interface ItemProps {
  readonly job: Job;
  readonly panel: boolean;
}

function QueueItem({ job, queued, panel }: ItemProps & { readonly queued: readonly Job[] }) {
  const { t } = useTranslation();
  const name = useJobName()(job);
  const facts = useFacts()(job);
  const place = queued.indexOf(job);
  const move = (before: number | null) => void attempt(() => studio().queue.move({ id: job.id, before }));
  const short = 'prompt' in job.request ? job.request.prompt : name;
  return (
    <li className="queue-item" aria-label={name} data-running={place < 0}>
      <span className="grow ellipsis" title={name}>
        {place < 0 ? t('queue.running') : `${place + 1}`} {place < 0 && !panel ? null : `· ${short}`}
        {panel ? <span className="help">{facts}</span> : null}
      </span>
      {place < 0 ? null : (
        <>
          <IconButton
            size="small"
            icon={panel ? IconArrowUp : IconChevronLeft}
            label={t('queue.up')}
            disabled={place === 0}
            onClick={() => move(queued[place - 1]!.id)}
          />
          <IconButton
            size="small"
            icon={panel ? IconArrowDown : IconChevronRight}
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

function TroubledItem({ job, panel }: ItemProps) {
  const { t } = useTranslation();
  const name = useJobName()(job);
  const { error, state, id } = job;
  const failed = state === 'failed';
  const again = () =>
    void attempt(() => (failed ? studio().queue.repeat({ id }) : studio().queue.continue({ id })));
  return (
    <li className="queue-item" data-troubled aria-label={name}>
      <IconAlertTriangle size={14} stroke={1.7} aria-hidden />
      <span
        className="grow ellipsis"
        title={error === null ? name : `${told(error.message)} ${told(error.hint)}`}
      >
        {t(`job.${state}`)} · {name}
      </span>
      <IconButton
        size="small"
        icon={IconRepeat}
        label={t(failed ? 'job.repeat' : 'job.continue')}
        onClick={again}
      />
      {panel && error !== null ? (
        <div className="queue-error">
          <ErrorDetails error={error} />
        </div>
      ) : null}
    </li>
  );
}
