/**
 * Keeps the open project in the studio's log: what was done is appended, undo moves a cursor. Snapshots shorten opening,
 * and keep what was filled in before the first entry.
 */
import type { Patch } from 'immer';
import { applyPatches } from 'immer';
import type { OpenProject, ProjectAction } from '../../preload/projects.ts';
import { completeDocument, type StudioDocument } from '../document/document.ts';
import { type Entry, startTimeline, type Timeline } from '../document/undo.ts';
import { type OpenDocument, useDocument } from './document.ts';
import { showError } from './notices.ts';
import { studio } from './studio.ts';

/** Quiet milliseconds after which changes are written. */
const PAUSE = 400;
/** Entries after which the whole document is stored again. */
const SNAPSHOT_EVERY = 40;

/** What the studio has: its entries (by identity) and cursor, as counts from the first logged entry. */
interface Written {
  readonly projectId: number;
  /** Sequence number before the first entry. */
  readonly base: number;
  readonly entries: readonly Entry[];
  readonly cursor: number;
  readonly snapshotAt: number;
  readonly amendments: number;
}

let written: Written | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let writing: Promise<void> = Promise.resolve();

/** Shows a project that the studio opened, with its whole undo line. */
export function showProject(opened: OpenProject): void {
  const { project, firstSeq, actions, cursor, snapshotSeq } = opened;
  const base = firstSeq - 1;
  const entries = actions.map(
    ({ label, forward, backward }) => ({ label, forward, backward }) as unknown as Entry,
  );
  const stored = opened.document as unknown as Partial<StudioDocument> | null;
  const start = completeDocument(stored ?? {}, project);
  const document = replay(start, entries, snapshotSeq - base, cursor - base);
  const timeline = startTimeline(document, entries, cursor - base);
  const { amendments } = useDocument.getState();
  const snapshotAt = snapshotSeq - base;
  written = { projectId: project.id, base, entries, cursor: cursor - base, snapshotAt, amendments };
  useDocument.setState({ projectId: project.id, projectName: project.name, timeline, saving: 'saved' });
}

/** The document after `to` entries, from the one after `from` entries. */
function replay(start: StudioDocument, entries: readonly Entry[], from: number, to: number): StudioDocument {
  const patches =
    from <= to
      ? entries.slice(from, to).flatMap((entry) => entry.forward)
      : entries
          .slice(to, from)
          .reverse()
          .flatMap((entry) => entry.backward);
  return applyPatches(start, patches as Patch[]);
}

/** Starts writing what changes; call once. */
export function startProjectLog(): void {
  useDocument.subscribe((state, before) => {
    if (
      state.timeline === before.timeline ||
      state.projectId === null ||
      state.projectId !== before.projectId
    )
      return;
    if (state.saving === 'saved') useDocument.setState({ saving: 'saving' });
    clearTimeout(timer);
    timer = setTimeout(() => void flushProject(), PAUSE);
  });
  window.addEventListener('pagehide', () => void flushProject());
}

/** Writes everything that is not written yet; resolves when the studio has it. */
export function flushProject(): Promise<void> {
  clearTimeout(timer);
  writing = writing.then(write).catch((error) => {
    useDocument.setState({ saving: 'failed' });
    showError(error);
  });
  return writing;
}

async function write(): Promise<void> {
  const { timeline, amendments, projectId } = useDocument.getState();
  if (written === null || projectId !== written.projectId) return;
  written = await writeEntries(written, timeline);
  const isFar = Math.abs(written.cursor - written.snapshotAt) >= SNAPSHOT_EVERY;
  if (isFar || amendments !== written.amendments) {
    written = await writeSnapshot(written, timeline.document, written.cursor);
    written = { ...written, amendments };
  }
  useDocument.setState((state: OpenDocument) => (state.timeline === timeline ? { saving: 'saved' } : {}));
}

async function writeEntries(known: Written, { document, entries, cursor }: Timeline): Promise<Written> {
  const { projectId: id, base } = known;
  let shared = 0;
  while (shared < known.entries.length && known.entries[shared] === entries[shared]) shared++;
  const { snapshotAt } = known;
  let at = known.cursor;
  if (shared < entries.length) {
    if (at !== shared) await studio().projects.setCursor({ id, cursor: base + shared });
    // One of a future that is overwritten is lost, and the start of the project with it.
    if (snapshotAt > shared)
      known = await writeSnapshot(known, replay(document, entries, cursor, shared), shared);
    await studio().projects.append({
      id,
      after: base + shared,
      actions: entries.slice(shared).map(toAction),
    });
    at = entries.length;
  }
  if (at !== cursor) await studio().projects.setCursor({ id, cursor: base + cursor });
  return { ...known, entries: shared < entries.length ? entries : known.entries, cursor };
}

const toAction = ({ label, forward, backward }: Entry): ProjectAction =>
  JSON.parse(JSON.stringify({ label, forward, backward }));

/** Stores the whole document as it is after `at` entries. */
async function writeSnapshot(known: Written, document: StudioDocument, at: number): Promise<Written> {
  const { projectId: id, base } = known;
  const stored = JSON.parse(JSON.stringify(document));
  await studio().projects.snapshot({ id, seq: base + at, document: stored, thumbnail: null });
  return { ...known, snapshotAt: at };
}
