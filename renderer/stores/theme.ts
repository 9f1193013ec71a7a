/** The appearance: the setting, or what the system prefers; one attribute on the page carries it. */
import { create } from 'zustand';
import { useStudio } from './studio.ts';

export type Theme = 'dark' | 'light' | 'high-contrast';

export const useTheme = create<{ readonly theme: Theme }>(() => ({ theme: 'dark' }));

/** Follows the setting and the system's preferences as long as the window lives. */
export function followTheme(): void {
  const light = window.matchMedia('(prefers-color-scheme: light)');
  const contrast = window.matchMedia('(prefers-contrast: more)');
  const apply = () => {
    const wanted = useStudio.getState().settings?.theme ?? 'dark';
    const ofSystem: Theme = contrast.matches ? 'high-contrast' : light.matches ? 'light' : 'dark';
    const theme = wanted === 'system' ? ofSystem : wanted;
    document.documentElement.dataset['theme'] = theme;
    if (useTheme.getState().theme !== theme) useTheme.setState({ theme });
  };
  apply();
  useStudio.subscribe(apply);
  light.addEventListener('change', apply);
  contrast.addEventListener('change', apply);
}
