/** The middle of the window on Create, Edit and Sketch: the stage with what floats over it. */
import { memo, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { shownCandidate, useCandidates } from '../../stores/candidates.ts';
import { useDocumentPart } from '../../stores/document.ts';
import { useQueue } from '../../stores/queue.ts';
import { useStudio } from '../../stores/studio.ts';
import { useCanvasPage } from '../../stores/view.ts';
import { CandidateBar } from './CandidateBar.tsx';
import { LayersButton } from './LayersButton.tsx';
import { StepTimeline } from './StepTimeline.tsx';
import { ToolOptions } from './ToolOptions.tsx';
import { ToolRail } from './ToolRail.tsx';
import { Welcome } from './Welcome.tsx';
import { ZoomBar } from './ZoomBar.tsx';

export const CanvasPage = memo(function CanvasPage({ shown }: { readonly shown: boolean }) {
  const { t } = useTranslation();
  const mode = useCanvasPage();
  const painting = mode === 'edit' || mode === 'sketch';
  return (
    <div className="canvas-page" data-mode={mode} hidden={!shown}>
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
});

/** Konva lives in here; React renders it once and never again. */
function Stage({ label }: { readonly label: string }) {
  const { t } = useTranslation();
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let unmount: (() => void) | null = null;
    let wanted = true;
    // Loaded by itself, so that Konva is not part of what must run before the window shows anything.
    void import('../../canvas/stage.ts').then(({ mountStage }) => {
      if (wanted)
        unmount = mountStage(container.current!, (width, height) => t('frame.label', { width, height }));
    });
    return () => {
      wanted = false;
      unmount?.();
    };
  }, [t]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the canvas takes keys (arrows, space, escape) while it has the focus
    <div ref={container} className="stage" role="application" aria-label={label} tabIndex={0} />
  );
}

/** What to do on a canvas with nothing on it. */
function EmptyHint() {
  const { t } = useTranslation();
  const welcomed = useStudio(({ settings }) => settings === null || settings.window['welcomed'] === true);
  const mode = useCanvasPage();
  const empty = useDocumentPart(({ layers, sketch, draft }) =>
    mode === 'sketch' ? sketch.length === 0 && draft.control.source === 'sketch' : layers.length === 0,
  );
  const covered = useCandidates((state) => shownCandidate(state) !== null);
  const nothing = useQueue(({ jobs }) => jobs.length === 0);
  const text =
    mode === 'create' ? (nothing ? 'empty.create' : null) : empty && !covered ? `empty.${mode}` : null;
  if (text === 'empty.create' && !welcomed) return <Welcome />;
  return text === null ? null : <p className="canvas-hint">{t(text)}</p>;
}
