/** The layers: a list from front to back in a popover, with order, visibility, opacity, scale. */
import { Popover } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconEye, IconEyeOff, IconStack2, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { activeLayer } from '../../document/document.ts';
import type { Layer } from '../../document/layer.ts';
import { finishGesture, perform, useDocumentPart } from '../../stores/document.ts';
import { IconButton } from '../../ui/buttons.tsx';
import { SliderField } from '../../ui/fields.tsx';
import { useKeptFocus } from '../../ui/keptFocus.ts';

export function LayersButton() {
  const { t } = useTranslation();
  const count = useDocumentPart(({ layers }) => layers.length);
  return (
    <Popover position="bottom-end" width={280} trapFocus withinPortal transitionProps={{ duration: 80 }}>
      <Popover.Target>
        <button type="button" className="options layers-button">
          <IconStack2 size={16} stroke={1.6} aria-hidden /> {t('layers.count', { count })}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <LayerList />
      </Popover.Dropdown>
    </Popover>
  );
}

function LayerList() {
  const { t } = useTranslation();
  const layers = useDocumentPart((document) => document.layers);
  const active = useDocumentPart(activeLayer);
  const around = useKeptFocus<HTMLDivElement>();
  return (
    <div ref={around} className="stack" data-gap="small">
      {layers.length === 0 ? <p className="empty">{t('layers.none')}</p> : null}
      <ol className="layers" aria-label={t('layers')}>
        {[...layers].reverse().map((layer) => (
          <LayerRow key={layer.id} layer={layer} active={layer === active} />
        ))}
      </ol>
      {active === null ? null : <ActiveLayer layer={active} />}
    </div>
  );
}

function LayerRow({ layer, active }: { readonly layer: Layer; readonly active: boolean }) {
  const { t } = useTranslation();
  const { id, name, visible } = layer;
  return (
    <li className="line layer" data-on={active}>
      <IconButton
        size="small"
        icon={visible ? IconEye : IconEyeOff}
        label={t(visible ? 'layer.hide' : 'layer.show', { name })}
        onClick={() => perform({ type: 'layer changed', id, change: { visible: !visible } })}
      />
      <button
        type="button"
        className="grow ellipsis layer-name"
        aria-pressed={active}
        onClick={() => perform({ type: 'layer chosen', id })}
      >
        {name}
      </button>
      <IconButton
        size="small"
        icon={IconArrowUp}
        label={t('layer.raise', { name })}
        onClick={() => perform({ type: 'layer raised', id, by: 1 })}
      />
      <IconButton
        size="small"
        icon={IconArrowDown}
        label={t('layer.lower', { name })}
        onClick={() => perform({ type: 'layer raised', id, by: -1 })}
      />
      <IconButton
        size="small"
        icon={IconTrash}
        label={t('layer.delete', { name })}
        onClick={() => perform({ type: 'layer removed', id })}
      />
    </li>
  );
}

function ActiveLayer({ layer }: { readonly layer: Layer }) {
  const { t } = useTranslation();
  const { id, opacity, scale } = layer;
  return (
    <div className="row">
      <SliderField
        label={t('layer.opacity')}
        value={opacity}
        min={0}
        max={1}
        step={0.01}
        shown={`${Math.round(opacity * 100)} %`}
        onChange={(value) =>
          perform({ type: 'layer changed', id, change: { opacity: value } }, 'layer opacity')
        }
        onEnd={finishGesture}
      />
      <SliderField
        label={t('layer.scale')}
        value={scale}
        min={0.1}
        max={4}
        step={0.05}
        shown={`${Math.round(scale * 100)} %`}
        onChange={(value) => perform({ type: 'layer changed', id, change: { scale: value } }, 'layer scale')}
        onEnd={finishGesture}
      />
    </div>
  );
}
