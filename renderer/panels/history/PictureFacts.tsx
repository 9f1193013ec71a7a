/** Everything that is known of one picture: the settings that matter at once, the rest folded away, all of it to copy. */
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { PictureDetail } from '../../../preload/history.ts';
import { told } from '../../i18n/told.ts';
import { isUpscale } from '../../request/build.ts';
import { type Fact, factsOf, factsText } from '../../request/facts.ts';
import { SCHEDULE_LABELS, samplerLabel } from '../../request/samplers.ts';
import { attempt, showInfo } from '../../stores/notices.ts';
import { loadTimeline, useQueue } from '../../stores/queue.ts';
import { fileSize, moment } from '../../ui/format.ts';
import { CopyButton } from '../shell/CopyButton.tsx';

export function PictureFacts({ picture }: { readonly picture: PictureDetail }) {
  const { t, i18n } = useTranslation();
  const { jobId } = picture;
  const showSteps = (id: number) =>
    attempt(async () => {
      if ((await loadTimeline(id)) === 0) showInfo(t('timeline.gone'), t('timeline.gone.hint'));
    });
  return (
    <>
      <FactList facts={mainFacts(picture, t, i18n.language)} />
      {jobId === null ? null : (
        <button type="button" className="link" onClick={() => void showSteps(jobId)}>
          {t('timeline')}
        </button>
      )}
      <AllFacts picture={picture} />
    </>
  );
}

function mainFacts(picture: PictureDetail, t: TFunction, language: string): Fact[] {
  const { request } = picture;
  const generation = request !== null && !isUpscale(request) ? request : null;
  const strength =
    generation !== null && 'denoisingStrength' in generation ? generation.denoisingStrength : null;
  const sampler =
    generation === null
      ? ''
      : `${samplerLabel(generation.sampler)} · ${SCHEDULE_LABELS[generation.schedule]}`;
  return [
    [t('checkpoint'), picture.model],
    ['LoRA', picture.loras.join(', ')],
    [t('size'), `${picture.width} × ${picture.height}`],
    [t('sampler'), sampler],
    [t('steps'), generation === null ? '' : String(generation.steps)],
    [t('guidanceScale'), generation === null ? '' : String(generation.guidanceScale)],
    [t('strength'), strength === null ? '' : strength.toFixed(2)],
    [t('seed'), picture.seed],
    [t('made'), moment(picture.created, language)],
  ];
}

/** What the request says to the last setting, and what the file is. */
function AllFacts({ picture }: { readonly picture: PictureDetail }) {
  const { t } = useTranslation();
  const { request, parameters, jobId } = picture;
  const job = useQueue(({ jobs }) => jobs.find(({ id }) => id === jobId));
  const facts: Fact[] = [
    [t('negativePrompt'), negativeOf(picture)],
    ...(request === null ? [] : factsOf(request, (key, values) => t(key, { ...values }))),
    [t('picture.batchIndex'), picture.batchIndex === 0 ? '' : String(picture.batchIndex + 1)],
    [t('picture.remarks'), (job?.notes ?? []).map((note) => told(note)).join('\n')],
    [t('picture.source'), picture.source],
    [t('picture.file'), `${picture.fileName} · ${fileSize(picture.bytes)}`],
    ['SHA-256', picture.image.sha256 ?? ''],
  ];
  const stated = facts.filter(([, value]) => value !== '');
  return (
    <details className="rare all-facts">
      <summary>{t('picture.all')}</summary>
      <div className="stack" data-gap="small">
        <FactList facts={stated} />
        <div className="line copy-line">
          <CopyButton
            label={t('picture.copyAll')}
            text={factsText([[t('prompt'), picture.prompt], ...stated])}
          />
          {parameters === '' ? null : <CopyButton label={t('picture.copyParameters')} text={parameters} />}
        </div>
      </div>
    </details>
  );
}

const negativeOf = ({ request }: PictureDetail): string =>
  request !== null && !isUpscale(request) ? request.negativePrompt : '';

function FactList({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className="facts" data-selectable>
      {facts
        .filter(([, value]) => value !== '')
        .map(([name, value], i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows of one name (LoRA) are told apart by their place
          <div key={i}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
