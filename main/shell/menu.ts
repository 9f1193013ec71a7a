/** The application menu. Keys are shown, but the page listens to them itself: it knows what has the focus. */
import { app, Menu, type MenuItemConstructorOptions, shell } from 'electron';
import log from 'electron-log/main';

type Item = MenuItemConstructorOptions;

/** `command` runs one of the page's commands, named by its keys (renderer/lifecycle/shortcuts.ts). */
export function buildMenu(command: (name: string) => void, checkForUpdates: () => void): Menu {
  const item = (label: string, name: string, accelerator: string): Item => ({
    label,
    accelerator,
    registerAccelerator: false,
    click: () => command(name),
  });
  const mac: Item[] = process.platform === 'darwin' ? [{ role: 'appMenu' }] : [];
  return Menu.buildFromTemplate([
    ...mac,
    {
      label: 'File',
      submenu: [
        item('Projects…', 'o', 'CmdOrCtrl+O'),
        item('Save project as file…', 's', 'CmdOrCtrl+S'),
        item('Library…', 'l', 'CmdOrCtrl+L'),
        item('Settings…', ',', 'CmdOrCtrl+,'),
        { type: 'separator' },
        { role: process.platform === 'darwin' ? 'close' : 'quit' },
      ],
    },
    {
      label: 'Edit',
      submenu: [
        item('Undo', 'z', 'CmdOrCtrl+Z'),
        item('Redo', 'shift+z', 'CmdOrCtrl+Shift+Z'),
        { type: 'separator' },
        { role: 'cut' },
        { role: 'copy' },
        { role: 'paste' },
        { role: 'selectAll' },
      ],
    },
    {
      label: 'Picture',
      submenu: [item('Generate', 'enter', 'CmdOrCtrl+Enter'), item('Stop', '.', 'CmdOrCtrl+.')],
    },
    {
      label: 'View',
      submenu: [
        item('Fit', '0', 'CmdOrCtrl+0'),
        item('100 %', '1', 'CmdOrCtrl+1'),
        { type: 'separator' },
        { role: 'togglefullscreen' },
        { role: 'toggleDevTools' },
      ],
    },
    {
      label: 'Help',
      submenu: [
        { label: 'Check for updates…', click: checkForUpdates },
        { label: 'Show log file', click: () => shell.showItemInFolder(log.transports.file.getFile().path) },
        { label: `Emulsion ${app.getVersion()}`, enabled: false },
      ],
    },
  ]);
}
