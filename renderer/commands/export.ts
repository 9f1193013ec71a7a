/** Saving pictures and projects outside the studio: a download in the browser, a chosen place in the app. */
import type { ExportRequest } from '../../preload/history.ts';
import { useDocument } from '../stores/document.ts';
import { attempt } from '../stores/notices.ts';
import { flushProject } from '../stores/projectLog.ts';
import { studio, useStudio } from '../stores/studio.ts';

/** Hands a file to the browser's downloads. */
export function download(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

const inShell = (): boolean => useStudio.getState().info?.shell === 'electron';

/** Writes pictures with the metadata that the settings allow. */
export async function exportPictures(
  ids: readonly number[],
  format: ExportRequest['format'] = 'png',
): Promise<void> {
  await attempt(async () => {
    const metadata = useStudio.getState().settings?.embedMetadata ?? 'all';
    const directory = inShell() ? (await studio().app.pick({ what: 'folder' })).paths[0] : undefined;
    if (inShell() && directory === undefined) return;
    const { files } = await studio().history.export({
      ids: [...ids],
      format,
      metadata,
      ...(directory === undefined ? {} : { directory }),
    });
    for (const { url, name } of files) if (url !== null) download(url, name);
  });
}

/** Saves the open project as one portable file. */
export async function saveProject(): Promise<void> {
  const { projectId: id, projectName } = useDocument.getState();
  if (id === null) return;
  await attempt(async () => {
    await flushProject();
    const path = inShell()
      ? (await studio().app.pick({ what: 'save-project', name: projectName })).paths[0]
      : undefined;
    if (inShell() && path === undefined) return;
    const { url } = await studio().projects.saveFile({ id, ...(path === undefined ? {} : { path }) });
    if (url !== null) download(url, `${projectName}.emulsion`);
  });
}
