/** Undo reaches beyond the document: pictures deleted by an action are deleted and restored with it. */
import { useDocument } from '../stores/document.ts';
import { attempt } from '../stores/notices.ts';
import { studio } from '../stores/studio.ts';

/** Follows the document's list of deleted pictures; switching to another project changes nothing. */
export function startEffects(): void {
  useDocument.subscribe((state, before) => {
    const now = state.timeline.document.deletedPictures;
    const then = before.timeline.document.deletedPictures;
    if (now === then || state.projectId !== before.projectId) return;
    const deleted = now.filter((id) => !then.includes(id));
    const restored = then.filter((id) => !now.includes(id));
    if (deleted.length > 0) void attempt(() => studio().history.delete({ ids: deleted }));
    if (restored.length > 0) void attempt(() => studio().history.restore({ ids: restored }));
  });
}
