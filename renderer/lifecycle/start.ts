/** Starting up: open the line, load what the window shows, open the last project, and do it again when the line was cut. */
import i18next from 'i18next';
import type { OpenProject } from '../../preload/projects.ts';
import { connect } from '../client.ts';
import { trainingSize, withDefaults } from '../commands/checkpoint.ts';
import { startLiveMode } from '../commands/live.ts';
import { emptyDocument, type StudioDocument } from '../document/document.ts';
import { loadBoards } from '../stores/boards.ts';
import { loadCandidates } from '../stores/candidates.ts';
import { NEW_SIZE, useDocument } from '../stores/document.ts';
import { loadPreprocessors } from '../stores/hint.ts';
import { reloadHistory } from '../stores/history.ts';
import { cardOf, loadModels, useModels } from '../stores/models.ts';
import { showError } from '../stores/notices.ts';
import { flushProject, showProject, startProjectLog } from '../stores/projectLog.ts';
import { loadQueue } from '../stores/queue.ts';
import { announce, setClient, studio, useStudio } from '../stores/studio.ts';
import { loadSweep } from '../stores/sweep.ts';
import { fitBrushes, showWhole } from '../stores/view.ts';
import { startEffects } from './effects.ts';
import { startHints } from './hint.ts';
import { startPlanning } from './plan.ts';
import { startRemarks } from './remarks.ts';

/** Milliseconds between tries to open the line again; the last one repeats. */
const RETRIES = [250, 500, 1000, 2000, 4000];
const FIRST_PROMPT = 'a red boat on the sea at sunset';
/** Key of the settings' `window` record. */
const LAST_PROJECT = 'lastProject';
const WELCOMED = 'welcomed';

/** Runs as long as the window lives. */
export async function startStudio(): Promise<never> {
  startProjectLog();
  startEffects();
  startLiveMode();
  startPlanning();
  startRemarks();
  startHints();
  for (let failures = 0; ; ) {
    try {
      const { client, closed } = await connect();
      setClient(client);
      failures = 0;
      void listen();
      await load();
      useStudio.setState({ line: 'open' });
      await closed;
    } catch (error) {
      if (useStudio.getState().line === 'open') showError(error);
    }
    useStudio.setState({ line: 'lost' });
    const pause = RETRIES[Math.min(failures++, RETRIES.length - 1)]!;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Hears events until the line is cut; then `startStudio` opens it again. */
async function listen(): Promise<void> {
  try {
    for await (const event of await studio().events()) announce(event);
  } catch {
    // The line was cut; `closed` says so too, and the window shows it.
  }
}

async function load(): Promise<void> {
  const [info, settings, memory] = await Promise.all([
    studio().app.info(),
    studio().settings.get(),
    studio().app.memory(),
  ]);
  useStudio.setState({ info, settings, memory });
  await Promise.all([loadModels(), loadQueue(), reloadHistory(), loadBoards(), loadPreprocessors()]);
  if (useDocument.getState().projectId === null) await openLastProject();
  else await flushProject();
  const { projectId } = useDocument.getState();
  if (projectId !== null) await loadCandidates(projectId);
  void loadSweep();
  void studio()
    .app.devices()
    .then((devices) => useStudio.setState({ devices }), showError);
}

async function openLastProject(): Promise<void> {
  const wanted = useStudio.getState().settings?.window[LAST_PROJECT];
  const projects = await studio().projects.list();
  const known = projects.find(({ id }) => id === wanted) ?? projects[0];
  if (known === undefined) await newProject(i18next.t('untitled'));
  else await show(await studio().projects.open({ id: known.id }));
}

async function show(opened: OpenProject): Promise<void> {
  showProject(opened);
  const { frame } = useDocument.getState().timeline.document;
  showWhole(frame);
  fitBrushes(Math.max(frame.width, frame.height));
  await studio().settings.update({ window: { [LAST_PROJECT]: opened.project.id } });
}

export async function openProject(id: number): Promise<void> {
  await flushProject();
  await show(await studio().projects.open({ id }));
  await loadCandidates(id);
}

/** A new project that starts with the checkpoint of the current one, or with the starter's. */
export async function newProject(name: string): Promise<void> {
  const document = await firstDocument();
  const { width, height } = document.bounds;
  const opened = await studio().projects.create({ name, width, height });
  const { id } = opened.project;
  const stored = JSON.parse(JSON.stringify(document));
  await studio().projects.snapshot({ id, seq: opened.snapshotSeq, document: stored });
  await show({ ...opened, document: stored });
}

/** What a new project begins with: a checkpoint with its own settings and a prompt that it understands. */
async function firstDocument(): Promise<StudioDocument> {
  const { cards } = useModels.getState();
  const { info } = useStudio.getState();
  const { draft } = useDocument.getState().timeline.document;
  const starter = cards.find(({ id }) => id === info?.starterCheckpoint);
  const card = cardOf(cards, draft.checkpoint) ?? starter ?? cards.find(({ type }) => type === 'checkpoint');
  const first = emptyDocument(NEW_SIZE);
  if (card === undefined) return first;
  const prompt = card === starter ? FIRST_PROMPT : '';
  const settings = { ...first.draft, ...(await withDefaults(card)), prompt };
  const { width, height } = settings;
  const empty = emptyDocument({ width, height });
  const resolution = trainingSize(settings);
  const training = { ...empty.training, settings: { ...empty.training.settings, resolution } };
  return { ...empty, draft: settings, training };
}

/** The welcome was read; it does not come back. */
export const finishWelcome = async (): Promise<void> => {
  await studio().settings.update({ window: { [WELCOMED]: true } });
};
