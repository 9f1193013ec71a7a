/** Documents of older programs open, and training is part of what can be undone. */
import { describe, expect, it } from 'vitest';
import { type Action, applyAction } from '../../../renderer/document/actions.ts';
import { completeDocument, emptyDocument, type StudioDocument } from '../../../renderer/document/document.ts';
import { hintFrom } from '../../../renderer/document/draft.ts';
import { PICTURE_LIMIT } from '../../../renderer/document/training.ts';

const size = { width: 256, height: 128 };

describe('a stored document', () => {
  it('gets what came after it, and keeps what it has', () => {
    const { training, upscale, draft, ...rest } = emptyDocument(size);
    const { preprocessorOptions, ...control } = draft.control;
    const old = { ...rest, upscale: { picture: null, scale: 3 }, draft: { ...draft, steps: 7, control } };
    const completed = completeDocument(old as unknown as Partial<StudioDocument>, size);
    expect(completed.training).toEqual(training);
    expect(completed.upscale).toEqual({ ...upscale, scale: 3 });
    expect(completed.draft.steps).toBe(7);
    expect(completed.draft.control.preprocessorOptions).toEqual(preprocessorOptions);
    expect(completeDocument({}, size)).toEqual(emptyDocument(size));
  });
});

describe('training', () => {
  const pictures = (count: number, from = 0) =>
    Array.from({ length: count }, (_, i) => ({
      id: `p${from + i}`,
      image: { path: `${i}.png` },
      caption: '',
    }));
  const trained = (...actions: Action[]) =>
    actions.reduce((document, action) => applyAction(document, action).document, emptyDocument(size))
      .training;

  it('takes pictures up to the limit, captions them, and lets them go', () => {
    const full = trained(
      { type: 'training pictures added', pictures: pictures(PICTURE_LIMIT - 1) },
      { type: 'training pictures added', pictures: pictures(3, 100) },
    );
    expect(full.pictures).toHaveLength(PICTURE_LIMIT);
    const captioned = trained(
      { type: 'training pictures added', pictures: pictures(2) },
      { type: 'training picture captioned', id: 'p1', caption: 'a cat' },
      { type: 'training picture removed', id: 'p0' },
      { type: 'training picture captioned', id: 'gone', caption: 'nothing' },
    );
    expect(captioned.pictures).toEqual([{ id: 'p1', image: { path: '1.png' }, caption: 'a cat' }]);
  });

  it('keeps its settings', () => {
    expect(trained({ type: 'training changed', change: { rank: 4 } }).settings).toMatchObject({
      rank: 4,
      steps: 400,
    });
  });
});

describe('the hint', () => {
  const { control } = emptyDocument(size).draft;
  it('is made of strokes as they are, and of a photo by way of lines', () => {
    const photo = hintFrom(control, 'picture');
    expect(photo).toMatchObject({ source: 'picture', preprocessor: 'canny' });
    const soft = { ...photo, preprocessor: 'softedge', preprocessorOptions: { gain: 2 } };
    expect(hintFrom(soft, 'picture')).toEqual(soft);
    expect(hintFrom(soft, 'sketch')).toMatchObject({
      source: 'sketch',
      preprocessor: 'none',
      preprocessorOptions: {},
    });
  });
});
