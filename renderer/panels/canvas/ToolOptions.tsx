/** The bar above the canvas: what the tool at hand can be set to. */
import { IconContrast, IconGrid4x4, IconTrash } from '@tabler/icons-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { workArea } from '../../document/document.ts';
import { currentDocument, finishGesture, perform, useDocumentPart } from '../../stores/document.ts';
import { currentTarget, setBrush, useView } from '../../stores/view.ts';
import type { Target, ToolName } from '../../tools/tool.ts';
import { Button } from '../../ui/buttons.tsx';
import { Slider } from '../../ui/fields.tsx';

const PAINTS: ReadonlySet<ToolName> = new Set(['brush', 'eraser', 'mask']);
const MASKS: ReadonlySet<ToolName> = new Set(['mask', 'eraser', 'lasso', 'rectangle']);

export function ToolOptions() {
  const { t } = useTranslation();
  const tool = useView((state) => state.tool);
  const target = useView(currentTarget);
  const paints = PAINTS.has(tool);
  return (
    <div className="options" role="toolbar" aria-label={t('tool.options')}>
      <strong>{t(`tool.${tool}`)}</strong>
      {paints ? (
        <BrushSliders target={target} />
      ) : (
        <span className="help ellipsis">{t(`tool.${tool}.help`)}</span>
      )}
      {tool === 'brush' && target === 'layer' ? <Colour /> : null}
      {tool === 'eraser' && target !== 'sketch' ? <EraserTarget target={target} /> : null}
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

/** A slider on one line: name, track, number. */
function InlineSlider(props: {
  label: string;
  short: string;
  value: number;
  min: number;
  max: number;
  step?: number;
  shown?: string;
  onChange: (value: number) => void;
  onEnd?: () => void;
}) {
  const { short, shown, step = 1, ...slider } = props;
  return (
    <span className="inline-slider">
      <span aria-hidden>{short}</span>
      <Slider {...slider} step={step} />
      <span className="value">{shown ?? Math.round(props.value)}</span>
    </span>
  );
}

function BrushSliders({ target }: { readonly target: Target }) {
  const { t } = useTranslation();
  const { size, hardness, opacity } = useView((state) => state.brushes[target]);
  const part = (value: number) => `${Math.round(value * 100)}`;
  return (
    <>
      <InlineSlider
        label={t('brush.size')}
        short={t('brush.size.short')}
        value={size}
        min={1}
        max={256}
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

function MaskOptions() {
  const { t } = useTranslation();
  const { grow, feather, operations } = useDocumentPart((document) => document.mask);
  const latentGrid = useView((state) => state.latentGrid);
  const invert = () =>
    perform({ type: 'mask painted', operation: { kind: 'invert', area: workArea(currentDocument()) } });
  return (
    <>
      <InlineSlider
        label={t('mask.feather')}
        short={t('mask.feather.short')}
        value={feather}
        min={0}
        max={64}
        onChange={(value) => perform({ type: 'mask shaped', feather: value }, 'feather')}
        onEnd={finishGesture}
      />
      <InlineSlider
        label={t('mask.grow')}
        short={t('mask.grow.short')}
        value={grow}
        min={-64}
        max={64}
        onChange={(value) => perform({ type: 'mask shaped', grow: value }, 'grow')}
        onEnd={finishGesture}
      />
      <span className="line" style={{ gap: 2 }}>
        <button
          type="button"
          className="icon-button"
          aria-label={t('mask.invert')}
          title={`${t('mask.invert')} (I)`}
          onClick={invert}
        >
          <IconContrast size={16} stroke={1.6} />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={t('mask.clear')}
          title={t('mask.clear')}
          disabled={operations.length === 0}
          onClick={() => perform({ type: 'mask cleared' })}
        >
          <IconTrash size={16} stroke={1.6} />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={t('latentGrid')}
          title={`${t('latentGrid')} (G)`}
          aria-pressed={latentGrid}
          onClick={() => useView.setState({ latentGrid: !latentGrid })}
        >
          <IconGrid4x4 size={16} stroke={1.6} />
        </button>
      </span>
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

/** What the eraser takes from. */
function EraserTarget({ target }: { readonly target: Target }) {
  const { t } = useTranslation();
  return (
    <fieldset className="segments" aria-label={t('eraser.target')}>
      {(['mask', 'layer'] as const).map((value) => (
        <button
          key={value}
          type="button"
          aria-pressed={target === value}
          onClick={() => useView.setState({ lastTarget: value })}
        >
          {t(`eraser.${value}`)}
        </button>
      ))}
    </fieldset>
  );
}
