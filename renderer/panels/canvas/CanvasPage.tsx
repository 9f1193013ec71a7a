/** The middle of the window on Create, Edit and Sketch: the stage with what floats over it. */
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { mountStage } from '../../canvas/stage.ts';
import { useDocumentPart } from '../../stores/document.ts';
import { useQueue } from '../../stores/queue.ts';
import { useStudio } from '../../stores/studio.ts';
import { useView } from '../../stores/view.ts';
import { CandidateBar } from './CandidateBar.tsx';
import { LayersButton } from './LayersButton.tsx';
import { StepTimeline } from './StepTimeline.tsx';
import { ToolOptions } from './ToolOptions.tsx';
import { ToolRail } from './ToolRail.tsx';
import { Welcome } from './Welcome.tsx';
import { ZoomBar } from './ZoomBar.tsx';

export function CanvasPage() {
  const { t } = useTranslation();
  const mode = useView((state) => state.mode);
  const painting = mode === 'edit' || mode === 'sketch';
  return (
    <div className="canvas-page" data-mode={mode}>
      <Stage label={t('canvas')} />
      {painting ? (
        <>
          <ToolRail />
          <div className="over-top">
            <ToolOptions />
            {mode === 'edit' ? <LayersButton /> : null}
          </div>
        </>
      ) : null}
      <EmptyHint />
      <div className="over-bottom">
        <CandidateBar />
        <ZoomBar />
        <StepTimeline />
      </div>
    </div>
  );
}

/** Konva lives in here; React renders it once and never again. */
function Stage({ label }: { readonly label: string }) {
  const { t } = useTranslation();
  const container = useRef<HTMLDivElement>(null);
  useEffect(
    () => mountStage(container.current!, (width, height) => t('frame.label', { width, height })),
    [t],
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the canvas takes keys (arrows, space, escape) while it has the focus
    <div ref={container} className="stage" role="application" aria-label={label} tabIndex={0} />
  );
}

/** What to do on a canvas with nothing on it. */
function EmptyHint() {
  const { t } = useTranslation();
  const welcomed = useStudio(({ settings }) => settings === null || settings.window['welcomed'] === true);
  const mode = useView((state) => state.mode);
  const empty = useDocumentPart(({ layers, sketch, draft }) =>
    mode === 'sketch' ? sketch.length === 0 && draft.control.source === 'sketch' : layers.length === 0,
  );
  const nothing = useQueue(({ jobs }) => jobs.length === 0);
  const text = mode === 'create' ? (nothing ? 'empty.create' : null) : empty ? `empty.${mode}` : null;
  if (text === 'empty.create' && !welcomed) return <Welcome />;
  return text === null ? null : <p className="canvas-hint">{t(text)}</p>;
}
