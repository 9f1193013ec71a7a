/** Results that wait for a decision: where they belong on the canvas, and which one is shown. */
import { create } from 'zustand';
import type { Job } from '../../preload/jobs.ts';
import type { GenerationRequest, ImageRef } from '../../preload/request.ts';
import type { Coverage } from '../document/coverage.ts';
import { type Rect, sameRect } from '../document/geometry.ts';
import type { Mask } from '../document/mask.ts';
import { useDocument } from './document.ts';
import { isLiveRun, isOutdated } from './live.ts';
import { attempt } from './notices.ts';
import { onEvent, studio } from './studio.ts';

export interface Candidate {
  readonly jobId: number;
  readonly pictureId: number;
  readonly image: ImageRef;
  readonly frame: Rect;
  readonly request: GenerationRequest;
}

/** What was sent with a job from this window; needed to blend its result again with another mask. */
export interface SentMask {
  readonly mask: Mask;
  /** 1 where the frame was empty: always taken from the result. Null when nothing was. */
  readonly holes: Coverage | null;
}

interface CandidatesState {
  readonly list: readonly Candidate[];
  readonly index: number;
  /** Put aside while one paints; the results still wait. */
  readonly hidden: boolean;
  readonly sent: ReadonlyMap<number, SentMask>;
}

/** Most results that wait at once; older ones stay in the history only. */
const WAITING = 32;

export const useCandidates = create<CandidatesState>(() => ({
  list: [],
  index: 0,
  hidden: false,
  sent: new Map(),
}));

/** The result at hand, whether it is put aside or not. */
export const currentCandidate = ({
  list,
  index,
}: Pick<CandidatesState, 'list' | 'index'>): Candidate | null => list[index] ?? null;

/** The result that the canvas shows. */
export const shownCandidate = (
  state: Pick<CandidatesState, 'list' | 'index' | 'hidden'>,
): Candidate | null => (state.hidden ? null : currentCandidate(state));

export const hideResults = (hidden = true): void => {
  if (useCandidates.getState().hidden !== hidden) useCandidates.setState({ hidden });
};

export const rememberSent = (jobId: number, sent: SentMask): void =>
  useCandidates.setState((state) => ({ sent: new Map(state.sent).set(jobId, sent) }));

/** One picture on or back, round and round. */
export const browse = (by: 1 | -1): void =>
  useCandidates.setState(({ list, index }) => ({
    index: list.length === 0 ? 0 : (index + by + list.length) % list.length,
    hidden: false,
  }));

/** The results of a project that were still waiting when it was closed. */
export async function loadCandidates(projectId: number): Promise<void> {
  useCandidates.setState({ list: [], index: 0 });
  const jobs = await studio().queue.candidates({ projectId });
  for (const job of [...jobs].reverse()) await takeJob(job);
}

/** Takes all waiting results away; `chosen` was accepted, the others stay in the history. */
export async function decideAll(chosen: Candidate | null): Promise<void> {
  const jobs = new Set(useCandidates.getState().list.map(({ jobId }) => jobId));
  useCandidates.setState({ list: [], index: 0 });
  for (const id of jobs)
    await attempt(() =>
      studio().queue.decide({ id, picture: chosen?.jobId === id ? chosen.pictureId : null }),
    );
}

async function takeJob(job: Job): Promise<void> {
  const { target, request } = job;
  const { projectId } = useDocument.getState();
  const ours =
    target !== null && target.projectId === projectId && job.chosen === null && job.state === 'done';
  if (!ours || request.kind === 'upscale' || request.kind === 'train-lora') return;
  if (useCandidates.getState().list.some(({ jobId }) => jobId === job.id)) return;
  if (isOutdated(job.id)) return discardAll([job.id]);
  const pictures = await attempt(() => Promise.all(job.pictures.map((id) => studio().history.get({ id }))));
  if (pictures === undefined || pictures.length === 0) return;
  if (isOutdated(job.id)) return discardAll([job.id]);
  const fresh = pictures.map(
    ({ id, image }): Candidate => ({ jobId: job.id, pictureId: id, image, frame: target.frame, request }),
  );
  // A result of live mode takes the place of the one before.
  const passed = useCandidates
    .getState()
    .list.flatMap(({ jobId }) => (isLiveRun(job.id) && isLiveRun(jobId) && jobId !== job.id ? [jobId] : []));
  const stays = ({ frame, jobId }: Candidate) =>
    jobId !== job.id && !passed.includes(jobId) && sameRect(frame, target.frame);
  useCandidates.setState(({ list }) => {
    const kept = list.filter(stays);
    const next = [...kept, ...fresh].slice(-WAITING);
    return { list: next, index: next.length - fresh.length, hidden: false };
  });
  await discardAll(passed);
}

/** Their pictures stay in the history; nobody is asked about them any more. */
async function discardAll(jobIds: readonly number[]): Promise<void> {
  for (const id of new Set(jobIds)) await attempt(() => studio().queue.decide({ id, picture: null }));
}

onEvent((event) => {
  if (event.type === 'job') void takeJob(event.job);
});
