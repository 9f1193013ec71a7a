/** The studio's own settings, and everything that ever left the machine. */
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DEVICES, type Settings, type SettingsPatch } from '../../../preload/settings.ts';
import type { NetworkEntry } from '../../../preload/studio.ts';
import { attempt } from '../../stores/notices.ts';
import { studio, useStudio } from '../../stores/studio.ts';
import { openDialog } from '../../stores/view.ts';
import { Button } from '../../ui/buttons.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { NumberField, SelectField, SwitchField } from '../../ui/fields.tsx';
import { deviceName, moment } from '../../ui/format.ts';
import { CopiesLine } from './CopiesLine.tsx';

const change = (patch: SettingsPatch) => void attempt(() => studio().settings.update(patch));

export function SettingsDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const settings = useStudio((state) => state.settings);
  const info = useStudio((state) => state.info);
  return (
    <Dialog title={t('settings')} closeLabel={t('close')} onClose={onClose} width={640}>
      {settings === null ? null : (
        <div className="stack" style={{ gap: 20 }}>
          <Looks settings={settings} />
          <Engine settings={settings} />
          <Privacy settings={settings} />
          <p className="help line spread" data-selectable>
            <span>
              Emulsion {info?.version} · {info?.dataDir}
            </span>
            <Button size="small" look="quiet" onClick={() => openDialog('keys')}>
              {t('keys')} <kbd aria-hidden>?</kbd>
            </Button>
          </p>
        </div>
      )}
    </Dialog>
  );
}

function Looks({ settings }: { readonly settings: Settings }) {
  const { t } = useTranslation();
  return (
    <div className="row">
      <SelectField
        label={t('language')}
        value={settings.language}
        options={[
          { value: 'system', label: t('system') },
          { value: 'en', label: 'English' },
          { value: 'zh-CN', label: '简体中文' },
        ]}
        onChange={(language) => change({ language })}
      />
      <SelectField
        label={t('theme')}
        value={settings.theme}
        options={(['dark', 'light', 'high-contrast', 'system'] as const).map((value) => ({
          value,
          label: t(`theme.${value}`),
        }))}
        onChange={(theme) => change({ theme })}
      />
    </div>
  );
}

function Engine({ settings }: { readonly settings: Settings }) {
  const { t } = useTranslation();
  return (
    <section className="stack" data-gap="small" aria-label={t('engine')}>
      <h3 className="section-title line spread">
        {t('engine')}
        <Button size="small" look="quiet" onClick={() => openDialog('self-test')}>
          {t('selfTest')}
        </Button>
      </h3>
      <div className="row">
        <SelectField
          label={t('device')}
          value={settings.device}
          options={(['auto', ...DEVICES] as const).map((value) => ({
            value,
            label: value === 'auto' ? t('automatic') : deviceName(value),
          }))}
          onChange={(device) => change({ device })}
        />
        <SelectField
          label={t('memory.mode')}
          value={settings.memory}
          options={(['auto', 'normal', 'cached', 'low'] as const).map((value) => ({
            value,
            label: t(`memory.${value}`),
          }))}
          onChange={(memory) => change({ memory })}
        />
        <NumberField
          label={t('threads')}
          aside={t('threads.help')}
          value={settings.threads}
          min={0}
          max={256}
          onChange={(threads) => change({ threads: Number(threads) })}
        />
      </div>
      <SwitchField
        label={t('previews')}
        help={t('previews.help')}
        checked={settings.previews}
        onChange={(previews) => change({ previews })}
      />
      <SwitchField
        label={t('indexMeaning')}
        help={t('indexMeaning.help')}
        checked={settings.indexMeaning}
        onChange={(indexMeaning) => change({ indexMeaning })}
      />
      <CopiesLine />
    </section>
  );
}

function Privacy({ settings }: { readonly settings: Settings }) {
  const { t, i18n } = useTranslation();
  const [log, setLog] = useState<readonly NetworkEntry[]>([]);
  useEffect(() => void attempt(async () => setLog(await studio().network.log({}))), []);
  return (
    <section className="stack" data-gap="small" aria-label={t('privacy')}>
      <h3 className="section-title">{t('privacy')}</h3>
      <SelectField
        label={t('embed')}
        value={settings.embedMetadata}
        options={(['all', 'prompt', 'none'] as const).map((value) => ({ value, label: t(`embed.${value}`) }))}
        onChange={(embedMetadata) => change({ embedMetadata })}
      />
      <SwitchField
        label={t('network.lock')}
        help={t('network.lock.help')}
        checked={settings.networkLocked}
        onChange={(networkLocked) => change({ networkLocked })}
      />
      <div>
        <p className="field-label">{t('network.log')}</p>
        <ol className="network" data-selectable>
          {log.length === 0 ? <li className="help">{t('network.nothing')}</li> : null}
          {log.map(({ id, time, method, url, outcome }) => (
            <li key={id} className="ellipsis">
              {moment(time, i18n.language)} · {method} {url} · {outcome}
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}
