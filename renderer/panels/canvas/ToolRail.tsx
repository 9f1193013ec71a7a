/** The tools: a radio group beside the canvas, each with its key. */
import {
  IconArrowsMove,
  IconBrush,
  IconBucketDroplet,
  IconEraser,
  IconFrame,
  IconHandStop,
  IconLassoPolygon,
  IconMask,
  IconRectangle,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { SKETCH_TOOLS, setTool, useView } from '../../stores/view.ts';
import { TOOL_KEYS, TOOLS } from '../../tools/tool.ts';
import { Hint } from '../../ui/buttons.tsx';

const ICONS = {
  move: IconArrowsMove,
  brush: IconBrush,
  eraser: IconEraser,
  mask: IconMask,
  lasso: IconLassoPolygon,
  rectangle: IconRectangle,
  fill: IconBucketDroplet,
  frame: IconFrame,
  hand: IconHandStop,
} as const;

export function ToolRail() {
  const { t } = useTranslation();
  const tool = useView((state) => state.tool);
  const sketching = useView((state) => state.mode === 'sketch');
  const tools = TOOLS.filter((name) => !sketching || SKETCH_TOOLS.has(name));
  return (
    <div className="rail" role="radiogroup" aria-label={t('tools')}>
      {tools.map((name) => {
        const Icon = ICONS[name];
        return (
          <Hint key={name} label={t(`tool.${name}`)} keys={TOOL_KEYS[name]}>
            <label className="rail-tool" data-on={tool === name}>
              <input
                type="radio"
                name="tool"
                aria-label={t(`tool.${name}`)}
                checked={tool === name}
                onChange={() => setTool(name)}
              />
              <Icon size={18} stroke={1.6} aria-hidden />
            </label>
          </Hint>
        );
      })}
    </div>
  );
}
