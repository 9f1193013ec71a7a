/** Zoom: fit, 100 %, and where it stands. */
import { useTranslation } from 'react-i18next';
import { currentDocument } from '../../stores/document.ts';
import { showWhole, useView, zoomBy, zoomTo } from '../../stores/view.ts';
import { percent } from '../../ui/format.ts';

export function ZoomBar() {
  const { t } = useTranslation();
  const zoom = useView(({ view }) => percent(view.zoom));
  return (
    <fieldset className="zoom" aria-label={t('zoom')}>
      <button type="button" aria-label={t('zoom.out')} onClick={() => zoomBy(1 / 1.25)}>
        −
      </button>
      <span className="value">{zoom}</span>
      <button type="button" aria-label={t('zoom.in')} onClick={() => zoomBy(1.25)}>
        +
      </button>
      <i />
      <button type="button" onClick={() => showWhole(currentDocument().frame)}>
        {t('zoom.fit')}
      </button>
      <button type="button" onClick={() => zoomTo(1)}>
        {t('zoom.one')}
      </button>
    </fieldset>
  );
}
