/** Mantine in the studio's clothes: every colour comes from the tokens, so that one attribute changes them all. */
import { type CSSVariablesResolver, createTheme } from '@mantine/core';

const ACCENT = ['#fff0e6', '#ffdfcb', '#ffc4a1', '#ffa874', '#ff8a4c', '#ff8a4c', '#f2743a', '#d9602b', '#b9450b', '#8f3507'] as const; // biome-ignore format: one scale

export const theme = createTheme({
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '14px', xl: '16px' },
  defaultRadius: 8,
  colors: { accent: [...ACCENT] },
  primaryColor: 'accent',
  respectReducedMotion: true,
  cursorType: 'pointer',
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {
    '--mantine-color-body': 'var(--panel)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--dim)',
    '--mantine-color-default': 'var(--raised)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-border': 'var(--line)',
    '--mantine-primary-color-filled': 'var(--accent)',
    '--mantine-color-anchor': 'var(--accent-text)',
  },
  light: {},
  dark: {},
});
