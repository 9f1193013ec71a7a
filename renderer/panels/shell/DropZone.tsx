/** Drop anything anywhere: the window says what will happen while it hovers. */
import { type DragEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { draggedPictures } from '../../commands/boards.ts';
import { OWN_PICTURE, takeFiles } from '../../commands/drop.ts';
import { asUse, toCanvas, toSketch, toUpscale } from '../../commands/results.ts';
import { attempt } from '../../stores/notices.ts';
import { studio } from '../../stores/studio.ts';
import { useView } from '../../stores/view.ts';

export function DropZone({ children }: { readonly children: ReactNode }) {
  const { t } = useTranslation();
  const mode = useView((state) => state.mode);
  const [hovering, setHovering] = useState(false);
  const wanted = ({ dataTransfer }: DragEvent) =>
    dataTransfer.types.includes('Files') || dataTransfer.types.includes(OWN_PICTURE);
  const over = (event: DragEvent) => {
    // On its way from the wall to a board a picture means nothing to the canvas.
    const within = event.target instanceof Element && event.target.closest('aside.right') !== null;
    if (within && draggedPictures().length > 0) return setHovering(false);
    if (!wanted(event)) return;
    event.preventDefault();
    setHovering(true);
  };
  const drop = (event: DragEvent) => {
    if (!wanted(event)) return;
    event.preventDefault();
    setHovering(false);
    const own = event.dataTransfer.getData(OWN_PICTURE);
    if (own !== '') void takeOwn(Number(own));
    else void takeFiles([...event.dataTransfer.files]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the whole window takes drops; every drop has a button that does the same
    <div
      className="drop-zone"
      onDragOver={over}
      onDragLeave={(event) => event.relatedTarget === null && setHovering(false)}
      onDrop={drop}
    >
      {children}
      {hovering ? (
        <div className="drop-veil" aria-hidden>
          <p>{t(`drop.${mode}`)}</p>
          <p className="dim">{t('drop.model')}</p>
        </div>
      ) : null}
    </div>
  );
}

async function takeOwn(id: number): Promise<void> {
  const picture = await attempt(() => studio().history.get({ id }));
  if (picture === undefined) return;
  const { mode } = useView.getState();
  if (mode === 'sketch') toSketch(asUse(picture));
  else if (mode === 'upscale') toUpscale(asUse(picture));
  else toCanvas(picture.prompt.slice(0, 40) || picture.fileName, asUse(picture));
}
