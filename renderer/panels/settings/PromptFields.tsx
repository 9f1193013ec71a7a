/** Prompt and negative prompt, with the tokens that the text encoder will count. */
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { TokenCount } from '../../../preload/studio.ts';
import { type Mark, markPrompt } from '../../request/promptMarks.ts';
import { finishGesture, setDraft, useDraft } from '../../stores/document.ts';
import { cardOf, useModels } from '../../stores/models.ts';
import { studio, useStudio } from '../../stores/studio.ts';
import { TextField } from '../../ui/fields.tsx';
import { MarkedTextField } from '../../ui/MarkedTextField.tsx';

/** Milliseconds of quiet before tokens are counted. */
const PAUSE = 200;
/** Tokens of one chunk. */
const CHUNK = 75;

export function PromptFields() {
  const { t } = useTranslation();
  const prompt = useDraft('prompt');
  const negativePrompt = useDraft('negativePrompt');
  const tokens = useTokens(prompt);
  const marks = useMarks(prompt);
  return (
    <>
      <div>
        <MarkedTextField
          label={t('prompt')}
          aside={
            tokens === null
              ? ''
              : t('prompt.tokens', { count: tokens.count, limit: Math.max(1, tokens.chunks.length) * CHUNK })
          }
          value={prompt}
          marks={marks}
          rows={3}
          placeholder={t('prompt.placeholder')}
          onChange={(text) => setDraft({ prompt: text }, 'prompt')}
          onEnd={finishGesture}
        />
        {tokens !== null && tokens.chunks.length > 1 ? <ChunkMarks text={prompt} tokens={tokens} /> : null}
      </div>
      <TextField
        label={t('negativePrompt')}
        value={negativePrompt}
        rows={1}
        multiline
        placeholder={t('negativePrompt.placeholder')}
        onChange={(text) => setDraft({ negativePrompt: text }, 'negative prompt')}
        onEnd={finishGesture}
      />
    </>
  );
}

/** The prompt with what its weights and the LoRAs' trigger words mark in it. */
function useMarks(prompt: string): readonly Mark[] {
  const emphasis = useDraft('emphasis');
  const loras = useDraft('loras');
  const cards = useModels((state) => state.cards);
  const triggers = loras.flatMap(({ model, on }) => (on ? (cardOf(cards, model)?.triggers ?? []) : []));
  return markPrompt(prompt, { emphasis, triggers });
}

function useTokens(text: string): TokenCount | null {
  const [tokens, setTokens] = useState<TokenCount | null>(null);
  const line = useStudio((state) => state.line);
  useEffect(() => {
    if (line !== 'open') return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      studio()
        .prompt.tokens({ text }, { signal: abort.signal })
        .then(setTokens, () => undefined);
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text, line]);
  return tokens;
}

/** How a long prompt is cut: one bar per chunk, as long as its share of tokens, with where it begins. */
function ChunkMarks({ text, tokens }: { readonly text: string; readonly tokens: TokenCount }) {
  const { t } = useTranslation();
  return (
    <ol className="chunks" aria-label={t('prompt.chunks')}>
      {tokens.chunks.map((chunk, i) => {
        const words = text.slice(chunk.start, chunk.end).trim();
        return (
          <li key={chunk.start} title={words}>
            <i style={{ width: `${(chunk.tokens / CHUNK) * 100}%` }} />
            <span className="ellipsis">
              {i + 1} · {words.slice(0, 24)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
