/** A picture of the history on its way: to a board, to the canvas, out of the window. */
import { dragOut } from '../../client.ts';
import { startDragging } from '../../commands/boards.ts';
import { OWN_PICTURE } from '../../commands/drop.ts';

/** To the desktop where the shell can, else within the window. */
export function startDrag(event: React.DragEvent, id: number): void {
  startDragging(id);
  if (dragOut(id)) event.preventDefault();
  else event.dataTransfer.setData(OWN_PICTURE, String(id));
}
