/** The open project: its document with the undo line. Panels read it, tools and commands act on it; stores/projectLog.ts keeps it. */
import { create } from 'zustand';
import type { Action } from '../document/actions.ts';
import { emptyDocument, type StudioDocument } from '../document/document.ts';
import type { Draft } from '../document/draft.ts';
import { act, amend, endGesture, redo, startTimeline, type Timeline, undo } from '../document/undo.ts';

export interface OpenDocument {
  readonly projectId: number | null;
  readonly projectName: string;
  readonly timeline: Timeline;
  /** How often something was filled in that no entry brings: the log keeps it by a snapshot. */
  readonly amendments: number;
  readonly saving: 'saved' | 'saving' | 'failed';
}

export const NEW_SIZE = { width: 512, height: 512 };

export const useDocument = create<OpenDocument>(() => ({
  projectId: null,
  projectName: '',
  timeline: startTimeline(emptyDocument(NEW_SIZE)),
  amendments: 0,
  saving: 'saved',
}));

export const currentDocument = (): StudioDocument => useDocument.getState().timeline.document;
export const currentDraft = (): Draft => currentDocument().draft;

const change = (step: (timeline: Timeline) => Timeline): void =>
  useDocument.setState(({ timeline }) => ({ timeline: step(timeline) }));

/** Does an action; actions of one gesture (a drag, typing in one field) are one undo entry. */
export const perform = (action: Action, gesture: string | null = null): void =>
  change((timeline) => act(timeline, action, gesture));

export const finishGesture = (): void => change(endGesture);
export const undoOnce = (): void => change(undo);
export const redoOnce = (): void => change(redo);

/** Changes settings of the next generation. */
export const setDraft = (patch: Partial<Draft>, gesture: string | null = null): void =>
  perform({ type: 'draft changed', change: patch }, gesture);

/** Fills in what nobody asked for (a drawn seed, the only ControlNet there is): no gesture, so undo passes it over. */
export const amendDraft = (patch: Partial<Draft>): void =>
  useDocument.setState(({ timeline, amendments }) => {
    const amended = amend(timeline, { type: 'draft changed', change: patch });
    const isBrought = amended === timeline || amended.entries !== timeline.entries;
    return { timeline: amended, amendments: amendments + (isBrought ? 0 : 1) };
  });

/** A part of the document in React; renders again only when that part changed. */
export const useDocumentPart = <T>(pick: (document: StudioDocument) => T): T =>
  useDocument(({ timeline }) => pick(timeline.document));

export const useDraft = <Key extends keyof Draft>(key: Key): Draft[Key] =>
  useDocumentPart((document) => document.draft[key]);
