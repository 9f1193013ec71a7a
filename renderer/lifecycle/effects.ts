/** What follows from a change by itself: deleted pictures come back with undo, the Sketch page finds its ControlNet. */

import { fits } from '../commands/checkpoint.ts';
import { accept } from '../commands/results.ts';
import { hintFrom } from '../document/draft.ts';
import { amendDraft, currentDraft, useDocument } from '../stores/document.ts';
import { cardOf, modelsOfType, useModels } from '../stores/models.ts';
import { attempt } from '../stores/notices.ts';
import { studio } from '../stores/studio.ts';
import { useView } from '../stores/view.ts';

/** Starts both; call once. */
export function startEffects(): void {
  useDocument.subscribe(followDeletions);
  useDocument.subscribe(takeResult);
  useDocument.subscribe(takeStrokes);
  useView.subscribe(({ mode }, before) => {
    if (mode === 'sketch' && before.mode !== 'sketch') findControlNet();
  });
}

type State = ReturnType<typeof useDocument.getState>;

/** The document's list of deleted pictures is what the history's bin holds; switching to another project changes nothing. */
function followDeletions(state: State, before: State): void {
  const now = state.timeline.document.deletedPictures;
  const then = before.timeline.document.deletedPictures;
  if (now === then || state.projectId !== before.projectId) return;
  const deleted = now.filter((id) => !then.includes(id));
  const restored = then.filter((id) => !now.includes(id));
  if (deleted.length > 0) void attempt(() => studio().history.delete({ ids: deleted }));
  if (restored.length > 0) void attempt(() => studio().history.restore({ ids: restored }));
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
