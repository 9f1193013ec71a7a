/** The hint as the ControlNet will see it: made again when the strokes, the picture or the preprocessor change. */
import { useEffect, useState } from 'react';
import type { ImageRef } from '../../preload/request.ts';
import { exportSketch } from '../canvas/exporting.ts';
import type { DraftControl } from '../document/draft.ts';
import { currentDocument, useDocumentPart } from '../stores/document.ts';
import { showError } from '../stores/notices.ts';
import { studio, useStudio } from '../stores/studio.ts';

const PAUSE = 250;

/** URL of the hint picture, or null while there is nothing to show. */
export function useHint(): { readonly url: string | null; readonly source: DraftControl['source'] } {
  const sketch = useDocumentPart((document) => document.sketch);
  const { source, picture, preprocessor } = useDocumentPart((document) => document.draft.control);
  const frame = useDocumentPart((document) => document.frame);
  const line = useStudio((state) => state.line);
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (line !== 'open') return;
    let current = true;
    const image = () =>
      source === 'sketch'
        ? sketch.length > 0
          ? exportSketch(currentDocument())
          : null
        : (picture?.image ?? null);
    const timer = setTimeout(() => {
      hintUrl(image, preprocessor, frame).then((next) => current && setUrl(next), showError);
    }, PAUSE);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [sketch, source, picture, preprocessor, frame, line]);
  return { url, source };
}

async function hintUrl(
  image: () => ImageRef | null | Promise<ImageRef | null>,
  preprocessor: string,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<string | null> {
  const source = await image();
  if (source === null) return null;
  const hint = await studio().images.hint({
    image: source,
    preprocessor: preprocessor as 'none',
    width,
    height,
  });
  return hint.url;
}
