/** The little picture of a model: its own, else one that was made with it. */
import { IconPhoto } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { ModelCard } from '../../../preload/models.ts';
import { showError } from '../../stores/notices.ts';
import { findPreview, usePreviews } from '../../stores/previews.ts';

export function Preview({ card }: { readonly card: ModelCard | undefined }) {
  const known = usePreviews(({ urls }) => (card === undefined ? null : urls.get(card.id)));
  const own = card?.previewUrl ?? null;
  useEffect(() => {
    if (card !== undefined && own === null && known === undefined) findPreview(card).catch(showError);
  }, [card, own, known]);
  const url = own ?? known ?? null;
  return url === null ? (
    <span className="thumb thumb-empty">
      <IconPhoto size={18} stroke={1.3} aria-hidden />
    </span>
  ) : (
    <img className="thumb" src={url} alt="" draggable={false} />
  );
}
