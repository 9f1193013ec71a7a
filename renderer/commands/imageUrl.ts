/** Where the window can see a stored picture. */
import { useEffect, useState } from 'react';
import type { ImageRef } from '../../preload/request.ts';
import { studio, useStudio } from '../stores/studio.ts';

/** Null while it is not known, or when the picture is gone. */
export function useImageUrl(image: ImageRef | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  const line = useStudio((state) => state.line);
  const { sha256, path } = image ?? {};
  useEffect(() => {
    let current = true;
    setUrl(null);
    if (line !== 'open' || (sha256 === undefined && path === undefined)) return;
    studio()
      .images.get({ image: sha256 === undefined ? { path } : { sha256 } })
      .then(
        (stored) => current && setUrl(stored.url),
        () => undefined,
      );
    return () => {
      current = false;
    };
  }, [sha256, path, line]);
  return url;
}
