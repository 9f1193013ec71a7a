/** The hint as the ControlNet will see it, and what each preprocessor can be set to. */
import { create } from 'zustand';
import type { StoredImage } from '../../preload/studio.ts';
import { studio } from './studio.ts';

type Preprocessors = Awaited<ReturnType<ReturnType<typeof studio>['images']['preprocessors']>>;

interface HintState {
  /** Null while there is nothing to make it from. */
  readonly picture: StoredImage | null;
  readonly preprocessors: Preprocessors;
}

export const useHint = create<HintState>(() => ({ picture: null, preprocessors: [] }));

export async function loadPreprocessors(): Promise<void> {
  useHint.setState({ preprocessors: await studio().images.preprocessors() });
}
