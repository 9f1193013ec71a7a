/** Keeps the hint in sight up to date: made again when the strokes, the picture, the preprocessor or the frame change. */
import type { StoredImage } from '../../preload/studio.ts';
import { exportSketch } from '../canvas/exporting.ts';
import type { StudioDocument } from '../document/document.ts';
import { currentDocument, useDocument } from '../stores/document.ts';
import { useHint } from '../stores/hint.ts';
import { showError } from '../stores/notices.ts';
import { studio, useStudio } from '../stores/studio.ts';
import { useView } from '../stores/view.ts';

/** Milliseconds of quiet before a hint is made. */
const PAUSE = 250;

/** What the hint depends on, as values to compare. */
const inputs = ({ sketch, frame, draft }: StudioDocument): readonly unknown[] => {
  const { source, picture, preprocessor, preprocessorOptions } = draft.control;
  return [sketch, frame, source, picture, preprocessor, preprocessorOptions];
};

/** True where a hint is seen or used. */
function wanted({ sketch, draft }: StudioDocument): boolean {
  const { mode } = useView.getState();
  const present = sketch.length > 0 || draft.control.picture !== null;
  return useStudio.getState().line === 'open' && (mode === 'sketch' || (mode === 'edit' && present));
}

export function startHints(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let made: readonly unknown[] = [];
  let asked = 0;
  const make = async () => {
    const document = currentDocument();
    const now = inputs(document);
    if (!wanted(document) || now.every((value, i) => value === made[i])) return;
    made = now;
    const number = ++asked;
    const picture = await hintOf(document);
    if (number === asked) useHint.setState({ picture });
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void make().catch(showError), PAUSE);
  };
  useDocument.subscribe(({ timeline }, before) => {
    if (timeline.document !== before.timeline.document) soon();
  });
  useView.subscribe(({ mode }, before) => {
    if (mode !== before.mode) soon();
  });
  useStudio.subscribe(({ line }, before) => {
    if (line !== before.line) soon();
  });
}

async function hintOf(document: StudioDocument): Promise<StoredImage | null> {
  const { source, picture, preprocessor, preprocessorOptions: options } = document.draft.control;
  const image = source === 'sketch' ? await exportSketch(document) : picture?.image;
  if (image === null || image === undefined) return null;
  const { width, height } = document.frame;
  return studio().images.hint({ image, preprocessor: preprocessor as 'none', options, width, height });
}
