/** Languages: English and Simplified Chinese, chosen by the settings, else by the system. */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { useStudio } from '../stores/studio.ts';
import { en } from './en.ts';
import { zh } from './zh.ts';

const LANGUAGES = { en, 'zh-CN': zh } as const;
type Language = keyof typeof LANGUAGES;

const ofSystem = (): Language => (navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en');

/** Starts i18next and follows the language setting; resolves when words are there. */
export async function startLanguages(): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: Object.fromEntries(
      Object.entries(LANGUAGES).map(([name, words]) => [name, { translation: words }]),
    ),
    lng: ofSystem(),
    fallbackLng: 'en',
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false },
  });
  const follow = () => {
    const wanted = useStudio.getState().settings?.language ?? 'system';
    const language = wanted === 'system' ? ofSystem() : wanted;
    document.documentElement.lang = language;
    if (i18next.language !== language) void i18next.changeLanguage(language);
  };
  follow();
  useStudio.subscribe(({ settings }, before) => {
    if (settings?.language !== before.settings?.language) follow();
  });
}
