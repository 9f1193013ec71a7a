/** Fills what the raster worker finds under the pointer. */
import { currentDocument, finishGesture, perform } from '../stores/document.ts';
import { attempt } from '../stores/notices.ts';
import { useView } from '../stores/view.ts';
import { askRaster } from '../surfaces/raster.ts';
import { fillActions } from '../tools/filling.ts';
import type { Effect } from '../tools/tool.ts';
import { newLayerId } from './layers.ts';

export async function fill({ at, target, erase }: Extract<Effect, { do: 'flood' }>): Promise<void> {
  const { fill: options, brushes } = useView.getState();
  await attempt(async () => {
    const region = await askRaster(currentDocument(), 'flood', { at, ...options });
    if (region === null) return;
    const filling = { region, target, erase, brush: brushes[target], newId: newLayerId };
    for (const action of fillActions(currentDocument(), filling)) perform(action, 'fill');
    finishGesture();
  });
}
