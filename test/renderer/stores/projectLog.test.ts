/** The project log against the studio's own store: what the window had is what opens again. */
import { beforeEach, expect, test } from 'vitest';
import * as projects from '../../../main/projects/projects.ts';
import type { StudioClient } from '../../../preload/contract.ts';
import { emptyDocument } from '../../../renderer/document/document.ts';
import {
  amendDraft,
  currentDocument,
  currentDraft,
  redoOnce,
  setDraft,
  undoOnce,
  useDocument,
} from '../../../renderer/stores/document.ts';
import { flushProject, showProject } from '../../../renderer/stores/projectLog.ts';
import { setClient } from '../../../renderer/stores/studio.ts';
import { plainUrls, tempDatabase } from '../../helpers/tempDatabase.ts';

/** More than lie between two snapshots. */
const MANY = 45;

type Appended = Parameters<StudioClient['projects']['append']>[0];
let reload: () => void;
let snapshots = 0;

/** A project as the window makes one: its first snapshot has settings that no entry tells. */
beforeEach(() => {
  snapshots = 0;
  const db = tempDatabase();
  const id = projects.createProject(db, 'Sea', 128, 128, 1);
  const first = emptyDocument({ width: 128, height: 128 });
  projects.saveSnapshot(db, id, 0, { ...first, draft: { ...first.draft, prompt: 'the sea' } }, null);
  const client = {
    projects: {
      append: async ({ after, actions }: Appended) => projects.appendActions(db, id, after, actions, 2),
      setCursor: async ({ cursor }: { cursor: number }) => projects.setCursor(db, id, cursor, 2),
      snapshot: async ({ seq, document }: { seq: number; document: unknown }) => {
        snapshots++;
        projects.saveSnapshot(db, id, seq, document, null);
      },
    },
  };
  setClient(client as unknown as StudioClient);
  reload = () => showProject(projects.openProject(db, plainUrls, id));
  reload();
});

test('a drawn seed is there again, on a new project and between entries; undo passes it over', async () => {
  amendDraft({ seed: '4711' });
  await flushProject();
  reload();
  expect(currentDraft()).toMatchObject({ seed: '4711', prompt: 'the sea' });
  setDraft({ steps: 9 });
  amendDraft({ seed: '4712' });
  await flushProject();
  setDraft({ steps: 10 });
  await flushProject();
  reload();
  expect(currentDraft()).toMatchObject({ seed: '4712', steps: 10 });
  for (const steps of [9, 20]) {
    undoOnce();
    await flushProject();
    expect(currentDraft()).toMatchObject({ seed: '4712', steps });
  }
  reload();
  redoOnce();
  await flushProject();
  reload();
  expect(currentDraft()).toMatchObject({ seed: '4712', steps: 9 });
});

test('a seed drawn for each of many pictures costs no snapshot each', async () => {
  for (let run = 1; run < MANY; run++) {
    setDraft({ steps: run }, 'steps');
    amendDraft({ seed: String(run) });
    await flushProject();
  }
  expect(snapshots).toBe(0);
  const { entries } = useDocument.getState().timeline;
  expect(entries).toHaveLength(1);
  expect(entries[0]!.forward).toHaveLength(2);
});

test('a seed drawn right after a snapshot is there again too', async () => {
  for (let steps = 1; steps <= MANY; steps++) {
    setDraft({ steps: 100 + steps });
    amendDraft({ seed: String(steps) });
    await flushProject();
    amendDraft({ seed: String(1000 + steps) });
    await flushProject();
    const before = currentDocument();
    reload();
    expect(currentDocument()).toEqual(before);
  }
  expect(snapshots).toBeLessThan(4);
});

test('going another way than the one with the last snapshot loses nothing', async () => {
  for (let steps = 1; steps <= MANY; steps++) {
    setDraft({ steps });
    await flushProject();
  }
  for (let i = 0; i < MANY - 3; i++) undoOnce();
  setDraft({ guidanceScale: 3 });
  await flushProject();
  const before = currentDocument();
  expect(before.draft).toMatchObject({ steps: 3, guidanceScale: 3, prompt: 'the sea' });
  reload();
  expect(currentDocument()).toEqual(before);
  expect(useDocument.getState().timeline.entries).toHaveLength(4);
});
