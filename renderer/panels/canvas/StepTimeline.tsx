/** From noise to picture: every step of the last run, to scrub through. */
import { useTranslation } from 'react-i18next';
import { useQueue } from '../../stores/queue.ts';
import { useView } from '../../stores/view.ts';

/** Most pictures drawn side by side; longer runs show every n-th step. */
const SHOWN = 24;

export function StepTimeline() {
  const { t } = useTranslation();
  const steps = useQueue((state) => state.steps);
  const scrubbed = useView((state) => state.scrubbed);
  const list = steps?.list ?? [];
  if (list.length === 0) return null;
  const every = Math.ceil(list.length / SHOWN);
  const shown = list
    .map((step, index) => ({ ...step, index }))
    .filter(({ index }) => index % every === every - 1 || index === list.length - 1);
  const at = scrubbed === null ? list.length - 1 : Math.min(scrubbed, list.length - 1);
  const current = list[at]!;
  return (
    <section className="timeline" aria-label={t('timeline')}>
      <p className="line spread">
        <span>{t('timeline.at', { step: current.step, steps: current.steps })}</span>
        {scrubbed === null ? null : (
          <button type="button" className="link" onClick={() => useView.setState({ scrubbed: null })}>
            {t('timeline.result')}
          </button>
        )}
      </p>
      <div className="timeline-steps">
        {shown.map(({ step, index, dataUrl }) => (
          <img
            key={step}
            src={dataUrl}
            alt=""
            draggable={false}
            data-on={at === index}
            style={{ opacity: index <= at ? 1 : 0.35 }}
          />
        ))}
        <input
          type="range"
          className="timeline-scrub"
          aria-label={t('timeline')}
          aria-valuetext={t('timeline.at', { step: current.step, steps: current.steps })}
          min={0}
          max={list.length - 1}
          step={1}
          value={at}
          onChange={({ currentTarget }) => {
            const index = Number(currentTarget.value);
            useView.setState({ scrubbed: index === list.length - 1 ? null : index });
          }}
        />
      </div>
    </section>
  );
}
