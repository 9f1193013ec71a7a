/** Generate: the draft and the canvas become a request, the request a job. */
import i18next from 'i18next';
import type { GenerationRequest, ImageRef } from '../../preload/request.ts';
import { type EditPictures, exportEdit, exportSketch } from '../canvas/exporting.ts';
import type { StudioDocument } from '../document/document.ts';
import { buildRequest, seedFrom } from '../request/build.ts';
import { rememberSent } from '../stores/candidates.ts';
import { amendDraft, currentDocument, useDocument } from '../stores/document.ts';
import { attempt, showError } from '../stores/notices.ts';
import { runningJob, useQueue } from '../stores/queue.ts';
import { studio } from '../stores/studio.ts';
import { type Mode, useView } from '../stores/view.ts';
import { accept } from './results.ts';

export interface Prepared {
  readonly request: GenerationRequest;
  readonly edit: EditPictures | null;
}

/** The complete request as the page stands; null while no checkpoint is chosen. */
export async function prepare(document: StudioDocument, mode: Mode): Promise<Prepared | null> {
  const edit = mode === 'edit' ? await exportEdit(document) : null;
  const hint = mode === 'create' ? null : await hintOf(document, mode);
  const request = buildRequest(document.draft, {
    ...(edit === null ? {} : { initImage: edit.initImage, outpaint: edit.outpaint }),
    ...(edit?.mask === undefined ? {} : { mask: edit.mask }),
    ...(hint === null ? {} : { hint }),
  });
  return request === null ? null : { request, edit };
}

async function hintOf(document: StudioDocument, mode: Mode): Promise<ImageRef | null> {
  const { control, useSketch } = document.draft;
  if (!useSketch || (control.model === null && mode !== 'sketch')) return null;
  return control.source === 'picture' ? (control.picture?.image ?? null) : exportSketch(document);
}

/** Adds a generation to the queue; while it is prepared, Generate shows that it was heard. @returns the job, null where it failed. */
export async function generate(overrides: Partial<GenerationRequest> = {}): Promise<number | null> {
  if (currentDocument().draft.freshSeed) amendDraft({ seed: seedFrom(Math.random()) });
  useQueue.setState(({ sending }) => ({ sending: sending + 1 }));
  try {
    if (useView.getState().mode === 'edit' && currentDocument().layers.length === 0) await accept();
    const document = currentDocument();
    const { projectId } = useDocument.getState();
    const prepared = await prepare(document, useView.getState().mode);
    if (prepared === null) throw new Error(i18next.t('checkpoint.needed'));
    const request = { ...prepared.request, ...overrides } as GenerationRequest;
    const target = projectId === null ? null : { projectId, frame: document.frame };
    useView.setState({ scrubbed: null });
    const job = await studio().queue.add({ request, target });
    rememberSent(job.id, { mask: document.mask, holes: prepared.edit?.holes ?? null });
    return job.id;
  } catch (error) {
    showError(error);
    return null;
  } finally {
    useQueue.setState(({ sending }) => ({ sending: sending - 1 }));
  }
}

/** Stops the running job at its next step; asked again, its engine is killed. */
export async function stop(): Promise<void> {
  const job = runningJob(useQueue.getState());
  if (job !== undefined) await attempt(() => studio().queue.cancel({ id: job.id }));
}
