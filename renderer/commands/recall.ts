/** Settings from a picture back into the draft, with its models found in the library. */
import i18next from 'i18next';
import type { PartialRequest, PictureDetail } from '../../preload/history.ts';
import type { ImageRef, ModelRef } from '../../preload/request.ts';
import { isUpscale, recall } from '../request/build.ts';
import { setDraft } from '../stores/document.ts';
import { cardOf, useModels } from '../stores/models.ts';
import { attempt, showInfo } from '../stores/notices.ts';
import { studio } from '../stores/studio.ts';

type Part = 'all' | 'prompt' | 'seed';

/** Takes over a request's settings; models that the library does not have are named. */
export function recallRequest(request: PartialRequest, part: Part): void {
  setDraft(recall(resolve(request), part));
}

/** References of this library for those of the request, where the same contents or name is here. */
function resolve(request: PartialRequest): PartialRequest {
  const { cards } = useModels.getState();
  const here = (ref: ModelRef): ModelRef => cardOf(cards, ref)?.ref ?? ref;
  return {
    ...request,
    ...(request.checkpoint === undefined ? {} : { checkpoint: here(request.checkpoint) }),
    ...(request.loras === undefined
      ? {}
      : { loras: request.loras.map((lora) => ({ ...lora, model: here(lora.model) })) }),
  };
}

export async function recallPicture(picture: PictureDetail, part: Part): Promise<void> {
  if (picture.request !== null && !isUpscale(picture.request)) recallRequest(picture.request, part);
  else await recallFile(picture.image, part);
}

/** Reads the settings inside a picture of any tool. True when it had some. */
export async function recallFile(image: ImageRef, part: Part): Promise<boolean> {
  const found = await attempt(() => studio().history.readSettings({ image }));
  if (found === undefined || found.source === '') return false;
  recallRequest(found.request, part);
  const missing = found.missing.map(({ name }) => name).join(', ');
  if (missing !== '')
    showInfo(i18next.t('offer.missing', { names: missing }), i18next.t('offer.missing.hint'));
  else if (found.notes.length > 0) showInfo(found.notes[0]!);
  return true;
}
