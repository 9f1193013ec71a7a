/** Updates are looked for when the user asks, and only then; a locked network stays shut. */
import { dialog } from 'electron';
import updater from 'electron-updater';
import type { Services } from '../app/services.ts';
import { readSettings } from '../storage/settings.ts';

export async function checkForUpdates({ db }: Pick<Services, 'db'>): Promise<void> {
  if (readSettings(db).networkLocked) {
    dialog.showErrorBox('The network is locked.', 'Unlock it in the settings, then look for updates again.');
    return;
  }
  const { autoUpdater } = updater;
  autoUpdater.autoDownload = false;
  try {
    const result = await autoUpdater.checkForUpdates();
    if (!result?.isUpdateAvailable) await dialog.showMessageBox({ message: 'This is the newest version.' });
    else if (await wanted(result.updateInfo.version)) await autoUpdater.downloadUpdate();
  } catch (error) {
    dialog.showErrorBox(
      'Updates could not be looked for.',
      error instanceof Error ? error.message : String(error),
    );
  }
}

async function wanted(version: string): Promise<boolean> {
  const message = `Emulsion ${version} is there. Download it? It is installed when you quit.`;
  const { response } = await dialog.showMessageBox({
    message,
    buttons: ['Download', 'Not now'],
    cancelId: 1,
  });
  return response === 0;
}
