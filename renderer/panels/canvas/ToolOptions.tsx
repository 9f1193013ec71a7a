/** The bar above the canvas: what the tool at hand can be set to. */
import { IconTrash } from '@tabler/icons-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { workArea } from '../../document/document.ts';
import { perform, useDocumentPart } from '../../stores/document.ts';
import { currentTarget, setBrush, useView } from '../../stores/view.ts';
import type { Target, ToolName } from '../../tools/tool.ts';
import { Button } from '../../ui/buttons.tsx';
import { InlineSlider } from './InlineSlider.tsx';
import { MaskOptions } from './MaskOptions.tsx';

const PAINTS: ReadonlySet<ToolName> = new Set(['brush', 'eraser', 'mask']);
const MASKS: ReadonlySet<ToolName> = new Set(['mask', 'eraser', 'lasso', 'rectangle', 'fill']);
/** Tools that work on the mask or on paint, as one chooses. */
const EITHER: ReadonlySet<ToolName> = new Set(['eraser', 'fill']);

export function ToolOptions() {
  const { t } = useTranslation();
  const tool = useView((state) => state.tool);
  const target = useView(currentTarget);
  const paints = PAINTS.has(tool);
  const coloured = target === 'layer' && (tool === 'brush' || tool === 'fill');
  return (
    <div className="options" role="toolbar" aria-label={t('tool.options')}>
      <strong>{t(`tool.${tool}`)}</strong>
      {EITHER.has(tool) && target !== 'sketch' ? <TargetChoice target={target} /> : null}
      {paints ? <BrushSliders target={target} /> : null}
      {tool === 'fill' ? <FillSettings /> : null}
      {coloured ? <Colour /> : null}
      {paints || tool === 'fill' ? null : <span className="help ellipsis">{t(`tool.${tool}.help`)}</span>}
      <span className="grow" />
      {MASKS.has(tool) && target === 'mask' ? <MaskOptions /> : null}
      {target === 'sketch' ? (
        <Button
          size="small"
          look="quiet"
          icon={IconTrash}
          onClick={() => perform({ type: 'sketch cleared' })}
        >
          {t('sketch.clear')}
        </Button>
      ) : null}
    </div>
  );
}

const part = (value: number) => `${Math.round(value * 100)}`;
/** Widest brush: a quarter of the document, and at least this, in pixels. */
const WIDEST = 256;

function BrushSliders({ target }: { readonly target: Target }) {
  const { t } = useTranslation();
  const { size, hardness, opacity } = useView((state) => state.brushes[target]);
  const edge = useDocumentPart((document) => {
    const { width, height } = workArea(document);
    return Math.max(width, height);
  });
  return (
    <>
      <InlineSlider
        label={t('brush.size')}
        short={t('brush.size.short')}
        keys="[ ]"
        value={size}
        min={1}
        max={Math.max(WIDEST, Math.round(edge / 4))}
        onChange={(value) => setBrush(target, { size: value })}
      />
      <InlineSlider
        label={t('brush.hardness')}
        short={t('brush.hardness.short')}
        value={hardness}
        min={0}
        max={1}
        step={0.05}
        shown={part(hardness)}
        onChange={(value) => setBrush(target, { hardness: value })}
      />
      <InlineSlider
        label={t('brush.opacity')}
        short={t('brush.opacity.short')}
        value={opacity}
        min={0.05}
        max={1}
        step={0.05}
        shown={part(opacity)}
        onChange={(value) => setBrush(target, { opacity: value })}
      />
    </>
  );
}

function FillSettings() {
  const { t } = useTranslation();
  const fill = useView((state) => state.fill);
  return (
    <>
      <InlineSlider
        label={t('fill.tolerance')}
        short={t('fill.tolerance.short')}
        value={fill.tolerance}
        min={0}
        max={1}
        step={0.01}
        shown={part(fill.tolerance)}
        onChange={(tolerance) => useView.setState({ fill: { ...fill, tolerance } })}
      />
      <label className="option-check">
        <input
          type="checkbox"
          checked={fill.contiguous}
          onChange={({ currentTarget }) =>
            useView.setState({ fill: { ...fill, contiguous: currentTarget.checked } })
          }
        />
        {t('fill.contiguous')}
      </label>
    </>
  );
}

function Colour() {
  const { t } = useTranslation();
  const colour = useView((state) => state.brushes.layer.colour);
  const id = useId();
  return (
    <span className="inline-colour">
      <label htmlFor={id}>{t('brush.colour')}</label>
      <input
        id={id}
        type="color"
        className="colour"
        value={colour}
        onChange={({ currentTarget }) => setBrush('layer', { colour: currentTarget.value })}
      />
    </span>
  );
}

/** What the eraser takes from, what a flood is laid on. */
function TargetChoice({ target }: { readonly target: Target }) {
  const { t } = useTranslation();
  return (
    <fieldset className="segments" aria-label={t('target')}>
      {(['mask', 'layer'] as const).map((value) => (
        <button
          key={value}
          type="button"
          aria-pressed={target === value}
          onClick={() => useView.setState({ lastTarget: value })}
        >
          {t(`on.${value}`)}
        </button>
      ))}
    </fieldset>
  );
}
