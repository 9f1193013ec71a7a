/** Updates are looked for when the user asks, and only then; a locked network stays shut. */
import { dialog } from 'electron';
import updater from 'electron-updater';
import type { Services } from '../app/services.ts';
import { readSettings } from '../storage/settings.ts';
import type { Words } from './words.ts';

export async function checkForUpdates(
  { db, gate }: Pick<Services, 'db' | 'gate'>,
  words: Words,
): Promise<void> {
  if (readSettings(db).networkLocked) {
    dialog.showErrorBox(words.networkLocked, words.networkLockedHint);
    return;
  }
  const { autoUpdater } = updater;
  autoUpdater.autoDownload = false;
  const note = (outcome: string) =>
    gate.note(autoUpdater.getFeedURL() ?? 'update server', 'update check', outcome);
  try {
    const result = await autoUpdater.checkForUpdates();
    note('answered');
    if (!result?.isUpdateAvailable) await dialog.showMessageBox({ message: words.newest });
    else if (await wanted(result.updateInfo.version, words)) await autoUpdater.downloadUpdate();
  } catch (error) {
    note('failed');
    dialog.showErrorBox(words.noUpdates, error instanceof Error ? error.message : String(error));
  }
}

async function wanted(version: string, words: Words): Promise<boolean> {
  const { response } = await dialog.showMessageBox({
    message: `Emulsion ${version}: ${words.updateThere}`,
    buttons: [words.download, words.notNow],
    cancelId: 1,
  });
  return response === 0;
}
