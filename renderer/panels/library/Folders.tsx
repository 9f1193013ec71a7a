/** Watched folders: ComfyUI and A1111 trees are used where they are. */
import { IconFolderPlus, IconRefresh, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelFolder } from '../../../preload/models.ts';
import { loadModels, useModels } from '../../stores/models.ts';
import { attempt, showInfo } from '../../stores/notices.ts';
import { studio, useStudio } from '../../stores/studio.ts';
import { Button, IconButton } from '../../ui/buttons.tsx';
import { TextField } from '../../ui/fields.tsx';
import { megabytes } from '../../ui/format.ts';

async function add(path: string): Promise<boolean> {
  const added = await attempt(() => studio().models.addFolder({ path }));
  await attempt(loadModels);
  return added !== undefined;
}

export function Folders() {
  const { t } = useTranslation();
  const folders = useModels((state) => state.folders);
  const scan = useModels((state) => state.scan);
  const shell = useStudio(({ info }) => info?.shell);
  const [path, setPath] = useState('');
  const choose = async () => {
    const picked =
      shell === 'electron'
        ? (await attempt(() => studio().app.pick({ what: 'folder' })))?.paths[0]
        : path.trim();
    if (picked !== undefined && picked !== '' && (await add(picked))) setPath('');
  };
  const rescan = () =>
    attempt(async () => {
      const { added, changed, missing, broken } = await studio().models.rescan({});
      showInfo(t('folders.scanned', { added, changed, missing, broken }));
      await loadModels();
    });
  return (
    <div className="stack library-page">
      <p className="help">{t('folders.help')}</p>
      <div className="line" style={{ alignItems: 'end' }}>
        <div className="grow">
          <TextField label={t('folders.path')} value={path} onChange={setPath} />
        </div>
        <Button icon={IconFolderPlus} onClick={() => void choose()}>
          {t('folders.add')}
        </Button>
        <Button icon={IconRefresh} onClick={() => void rescan()}>
          {t('folders.rescan')}
        </Button>
      </div>
      {scan === null ? null : (
        <p className="help">
          {t('folders.scanning', { done: scan.done, total: scan.total })} {scan.file}
        </p>
      )}
      <ul className="rows" aria-label={t('library.folders')}>
        {folders.map((folder) => (
          <FolderRow key={folder.id} folder={folder} />
        ))}
      </ul>
    </div>
  );
}

function FolderRow({ folder }: { readonly folder: ModelFolder }) {
  const { t } = useTranslation();
  const { id, path, models, bytes, layout, reachable, own } = folder;
  const forget = () => attempt(() => studio().models.removeFolder({ id })).then(() => attempt(loadModels));
  return (
    <li className="line check">
      <span className="grow">
        <span className="ellipsis" data-selectable>
          {path}
        </span>
        <span className="help">
          {t('folders.count', { count: models })} · {megabytes(bytes)} · {layout}
          {reachable ? '' : ` · ${t('folders.unreachable')}`}
        </span>
      </span>
      {own ? null : <IconButton icon={IconX} label={t('folders.remove')} onClick={() => void forget()} />}
    </li>
  );
}
