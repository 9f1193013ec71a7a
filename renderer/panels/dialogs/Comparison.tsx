/** Two pictures compared: a wipe with a handle, side by side, or their difference. */
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Compared } from '../../commands/compare.ts';

const WAYS = ['wipe', 'side', 'difference'] as const;

export function Comparison({ pair: [before, after] }: { readonly pair: readonly [Compared, Compared] }) {
  const { t } = useTranslation();
  const [way, setWay] = useState<(typeof WAYS)[number]>('wipe');
  const [at, setAt] = useState(50);
  return (
    <div className="comparison" data-way={way}>
      <fieldset className="segments" aria-label={t('compare.how')}>
        {WAYS.map((name) => (
          <button key={name} type="button" aria-pressed={way === name} onClick={() => setWay(name)}>
            {t(`compare.${name}`)}
          </button>
        ))}
      </fieldset>
      <div className="comparison-stage">
        <img src={before.url} alt={before.name || t('compare.before')} draggable={false} />
        <img
          src={after.url}
          alt={after.name || t('compare.after')}
          draggable={false}
          style={way === 'wipe' ? { clipPath: `inset(0 0 0 ${at}%)` } : undefined}
        />
        {way === 'wipe' ? (
          <>
            <i className="wipe-line" style={{ left: `${at}%` }} aria-hidden />
            <input
              type="range"
              className="wipe-range"
              aria-label={t('compare.position')}
              min={0}
              max={100}
              step={0.5}
              value={at}
              onChange={({ currentTarget }) => setAt(Number(currentTarget.value))}
            />
          </>
        ) : null}
      </div>
    </div>
  );
}
