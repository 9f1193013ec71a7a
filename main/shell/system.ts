/** What only a desktop can do: native file dialogs, the file manager, the system's bin. */
import { type BrowserWindow, dialog, type OpenDialogOptions, shell } from 'electron';
import type { Shell } from '../app/services.ts';

const PICTURES = ['png', 'jpg', 'jpeg', 'webp', 'avif', 'gif', 'tif', 'tiff'];
const MODELS = ['safetensors', 'ckpt', 'pt', 'pth', 'onnx'];
/** A project saved as one file. */
export const PROJECT_EXTENSION = 'emulsion';

const DIALOGS: Readonly<Record<string, OpenDialogOptions>> = {
  models: { properties: ['openFile', 'multiSelections'], filters: [{ name: 'Models', extensions: MODELS }] },
  pictures: {
    properties: ['openFile', 'multiSelections'],
    filters: [{ name: 'Pictures', extensions: PICTURES }],
  },
  folder: { properties: ['openDirectory', 'createDirectory'] },
  project: {
    properties: ['openFile'],
    filters: [{ name: 'Emulsion project', extensions: [PROJECT_EXTENSION] }],
  },
};

export function desktopShell(window: () => BrowserWindow | null): Shell {
  return {
    kind: 'electron',
    pick: (what, name) => (what === 'save-project' ? pickTarget(window(), name) : pickFiles(window(), what)),
    reveal: async (path) => shell.showItemInFolder(path),
    moveToBin: (path) => shell.trashItem(path),
  };
}

async function pickFiles(window: BrowserWindow | null, what: string): Promise<string[]> {
  const options = DIALOGS[what] ?? {};
  const { filePaths } = await (window === null
    ? dialog.showOpenDialog(options)
    : dialog.showOpenDialog(window, options));
  return filePaths;
}

async function pickTarget(window: BrowserWindow | null, name: string): Promise<string[]> {
  const options = {
    defaultPath: `${name.replace(/[\\/:*?"<>|]/g, '-')}.${PROJECT_EXTENSION}`,
    filters: [{ name: 'Emulsion project', extensions: [PROJECT_EXTENSION] }],
  };
  const { filePath } = await (window === null
    ? dialog.showSaveDialog(options)
    : dialog.showSaveDialog(window, options));
  return filePath ? [filePath] : [];
}
