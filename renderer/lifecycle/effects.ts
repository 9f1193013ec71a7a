/** What follows from a change by itself: pictures that were deleted or taken off a board come back with undo, the Sketch page finds its ControlNet. */

import { fits } from '../commands/checkpoint.ts';
import { accept } from '../commands/results.ts';
import type { StudioDocument } from '../document/document.ts';
import { hintFrom } from '../document/draft.ts';
import { amendDraft, currentDraft, useDocument } from '../stores/document.ts';
import { cardOf, modelsOfType, useModels } from '../stores/models.ts';
import { attempt } from '../stores/notices.ts';
import { studio } from '../stores/studio.ts';
import { useView } from '../stores/view.ts';

/** Starts them; call once. */
export function startEffects(): void {
  useDocument.subscribe(followDeletions);
  useDocument.subscribe(followBoards);
  useDocument.subscribe(takeResult);
  useDocument.subscribe(takeStrokes);
  useView.subscribe(({ mode }, before) => {
    if (mode === 'sketch' && before.mode !== 'sketch') findControlNet();
  });
}

type State = ReturnType<typeof useDocument.getState>;

/** The document's list of deleted pictures is what the history's bin holds; switching to another project changes nothing. */
function followDeletions(state: State, before: State): void {
  const { gained, lost } = changeOf(state, before, 'deletedPictures');
  if (gained.length > 0) void attempt(() => studio().history.delete({ ids: gained }));
  if (lost.length > 0) void attempt(() => studio().history.restore({ ids: lost }));
}

/** The same for pictures taken off boards. */
function followBoards(state: State, before: State): void {
  const { gained, lost } = changeOf(state, before, 'takenOff');
  for (const { boardId, ids } of gained)
    void attempt(() => studio().history.removeFromBoard({ boardId, ids: [...ids] }));
  for (const { boardId, ids } of lost)
    void attempt(() => studio().history.addToBoard({ boardId, ids: [...ids] }));
}

/** What a list has more and less at its end. A picture may be in it twice: deleted, fetched out of the bin, deleted again. */
function changeOf<Name extends 'deletedPictures' | 'takenOff'>(
  { timeline: { document }, projectId }: State,
  before: State,
  name: Name,
): { readonly gained: StudioDocument[Name][number][]; readonly lost: StudioDocument[Name][number][] } {
  const now: readonly StudioDocument[Name][number][] = document[name];
  const then: readonly StudioDocument[Name][number][] = before.timeline.document[name];
  if (now === then || projectId !== before.projectId) return { gained: [], lost: [] };
  const differs = now.findIndex((each, i) => each !== then[i]);
  const same = differs < 0 ? now.length : differs;
  return { gained: now.slice(same), lost: then.slice(same) };
}

/** Painting a mask on a result that lies on an empty canvas means that picture: it is accepted. */
function takeResult({ timeline: { document } }: State, { timeline: { document: before } }: State): void {
  const painted = document.mask !== before.mask && document.mask.operations.length > 0;
  if (painted && document.layers.length === 0 && useView.getState().mode === 'edit') void accept();
}

/** Who draws wants the drawing followed: strokes take the place of a photo. */
function takeStrokes({ timeline: { document } }: State, { timeline: { document: before } }: State): void {
  const { control } = document.draft;
  if (document.sketch.length > before.sketch.length && control.source === 'picture')
    amendDraft({ control: hintFrom(control, 'sketch') });
}

/** Chooses the first ControlNet that fits the checkpoint, where none is chosen. */
function findControlNet(): void {
  const { control, checkpoint } = currentDraft();
  const { cards } = useModels.getState();
  if (cardOf(cards, control.model) !== undefined) return;
  const card = modelsOfType(cards, 'controlnet').find((net) => fits(net, cardOf(cards, checkpoint)));
  if (card !== undefined) amendDraft({ control: { ...control, model: card.ref } });
}
