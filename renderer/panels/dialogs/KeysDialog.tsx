/** Every key of the window, in one place. */
import { useTranslation } from 'react-i18next';
import { MODES } from '../../stores/view.ts';
import { TOOL_KEYS, TOOLS } from '../../tools/tool.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { readableKeys } from '../../ui/keys.ts';

/** Keys and the words for what they do, by what they are about. */
const GROUPS = {
  general: [
    ['Control+Enter', 'generate'],
    ['Control+.', 'stop'],
    ['Control+Z', 'undo'],
    ['Control+Shift+Z', 'redo'],
    ['Control+L', 'library'],
    ['Control+O', 'projects'],
    ['Control+S', 'project.save'],
    ['Control+,', 'settings'],
    ['F6', 'keys.region'],
    ['?', 'keys'],
  ],
  canvas: [
    ['Space', 'keys.hand'],
    ['Control+Wheel', 'keys.zoom'],
    ['Control+0', 'zoom.fit'],
    ['Control+1', 'zoom.one'],
    ['[ ]', 'brush.size'],
    ['I', 'mask.invert'],
    ['C', 'mask.clear'],
    ['Q', 'keys.mask'],
    ['G', 'latentGrid'],
    ['← → ↑ ↓', 'keys.nudge'],
    ['Escape', 'keys.cancel'],
  ],
  results: [
    ['← →', 'keys.browse'],
    ['Enter', 'accept'],
    ['Backspace', 'discard'],
  ],
  pictures: [
    ['Control+Click', 'keys.select'],
    ['Control+Space', 'keys.selectFocused'],
    ['Shift+Click', 'keys.selectTo'],
    ['Shift+F10', 'picture.menu'],
    ['Delete', 'delete'],
  ],
} as const;

export function KeysDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog title={t('keys')} closeLabel={t('close')} onClose={onClose} width={820}>
      <div className="keys">
        <KeyList title={t('keys.general')} keys={GROUPS.general.map(([keys, name]) => [keys, t(name)])} />
        <KeyList title={t('keys.canvas')} keys={GROUPS.canvas.map(([keys, name]) => [keys, t(name)])} />
        <div className="stack">
          <KeyList title={t('tools')} keys={TOOLS.map((name) => [TOOL_KEYS[name], t(`tool.${name}`)])} />
        </div>
        <div className="stack">
          <KeyList title={t('pages')} keys={MODES.map((name, i) => [`Alt+${i + 1}`, t(`mode.${name}`)])} />
          <KeyList title={t('candidates')} keys={GROUPS.results.map(([keys, name]) => [keys, t(name)])} />
          <KeyList title={t('history')} keys={GROUPS.pictures.map(([keys, name]) => [keys, t(name)])} />
        </div>
      </div>
    </Dialog>
  );
}

function KeyList({
  title,
  keys,
}: {
  readonly title: string;
  readonly keys: readonly (readonly [string, string])[];
}) {
  return (
    <section>
      <h3 className="section-title">{title}</h3>
      <dl>
        {keys.map(([combination, does]) => (
          <div key={combination}>
            <dt>{does}</dt>
            <dd>
              <kbd>{readableKeys(combination)}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
