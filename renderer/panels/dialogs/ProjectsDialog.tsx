/** Projects: open, start, rename, save as one file. */
import { IconDeviceFloppy, IconFilePlus } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Project } from '../../../preload/projects.ts';
import { saveProject } from '../../commands/export.ts';
import { newProject, openProject } from '../../lifecycle/start.ts';
import { useDocument } from '../../stores/document.ts';
import { attempt } from '../../stores/notices.ts';
import { studio } from '../../stores/studio.ts';
import { Button } from '../../ui/buttons.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { TextField } from '../../ui/fields.tsx';
import { moment } from '../../ui/format.ts';

export function ProjectsDialog({ onClose }: { readonly onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const projectId = useDocument((state) => state.projectId);
  const name = useDocument((state) => state.projectName);
  const [projects, setProjects] = useState<readonly Project[]>([]);
  useEffect(() => void attempt(async () => setProjects(await studio().projects.list())), []);
  const rename = () =>
    attempt(() => studio().projects.rename({ id: projectId!, name: name.trim() || t('untitled') }));
  const run = (work: () => Promise<void>) => void attempt(work).then(onClose);
  return (
    <Dialog title={t('projects')} closeLabel={t('close')} onClose={onClose} width={520}>
      <div className="stack">
        <TextField
          label={t('project.name')}
          value={name}
          onChange={(projectName) => useDocument.setState({ projectName })}
          onEnd={() => void rename()}
        />
        <div className="line">
          <Button icon={IconFilePlus} onClick={() => run(() => newProject(t('untitled')))}>
            {t('project.new')}
          </Button>
          <Button icon={IconDeviceFloppy} onClick={() => void saveProject()}>
            {t('project.save')}
          </Button>
        </div>
        <ul className="rows" aria-label={t('projects')}>
          {projects.map((project) => (
            <li key={project.id}>
              <button
                type="button"
                aria-current={project.id === projectId}
                onClick={() => run(() => openProject(project.id))}
              >
                <span className="grow ellipsis">{project.name}</span>
                <span className="help">{moment(project.modified, i18n.language)}</span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </Dialog>
  );
}
