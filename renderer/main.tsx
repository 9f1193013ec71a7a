/** Mounts the window and opens the line to the studio. */
import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/noto-sans-sc/wght.css';
import '@mantine/core/styles.css';
import './styles/styles.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode, startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { startLanguages } from './i18n/start.ts';
import { startStudio } from './lifecycle/start.ts';
import { App } from './panels/shell/App.tsx';
import { followTheme, useTheme } from './stores/theme.ts';
import { cssVariables, theme } from './ui/theme.ts';

function Window() {
  const scheme = useTheme((state) => state.theme);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      forceColorScheme={scheme === 'light' ? 'light' : 'dark'}
    >
      <App />
    </MantineProvider>
  );
}

followTheme();
await startLanguages();
// As a transition React builds the window in pieces, and the browser has its turn in between.
startTransition(() =>
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <Window />
    </StrictMode>,
  ),
);
await startStudio();
