/** The application menu. Keys are shown, but the page listens to them itself: it knows what has the focus. */
import { app, Menu, type MenuItemConstructorOptions, shell } from 'electron';
import log from 'electron-log/main';
import type { Words } from './words.ts';

type Item = MenuItemConstructorOptions;

export interface MenuOptions {
  readonly words: Words;
  /** Runs one of the page's commands, named by its keys (renderer/lifecycle/shortcuts.ts). */
  readonly command: (name: string) => void;
  readonly checkForUpdates: () => void;
}

export function buildMenu({ words, command, checkForUpdates }: MenuOptions): Menu {
  const item = (label: string, name: string, accelerator: string): Item => ({
    label,
    accelerator,
    registerAccelerator: false,
    click: () => command(name),
  });
  const mac = process.platform === 'darwin';
  const separator: Item = { type: 'separator' };
  return Menu.buildFromTemplate([
    ...(mac ? [{ role: 'appMenu' } as Item] : []),
    {
      label: words.file,
      submenu: [
        item(words.projects, 'o', 'CmdOrCtrl+O'),
        item(words.saveProject, 's', 'CmdOrCtrl+S'),
        item(words.library, 'l', 'CmdOrCtrl+L'),
        item(words.settings, ',', 'CmdOrCtrl+,'),
        separator,
        mac ? { role: 'close', label: words.close } : { role: 'quit', label: words.quit },
      ],
    },
    {
      label: words.edit,
      submenu: [
        item(words.undo, 'z', 'CmdOrCtrl+Z'),
        item(words.redo, 'shift+z', 'CmdOrCtrl+Shift+Z'),
        separator,
        { role: 'cut', label: words.cut },
        { role: 'copy', label: words.copy },
        { role: 'paste', label: words.paste },
        { role: 'selectAll', label: words.selectAll },
      ],
    },
    {
      label: words.picture,
      submenu: [item(words.generate, 'enter', 'CmdOrCtrl+Enter'), item(words.stop, '.', 'CmdOrCtrl+.')],
    },
    {
      label: words.view,
      submenu: [
        item(words.fit, '0', 'CmdOrCtrl+0'),
        item('100 %', '1', 'CmdOrCtrl+1'),
        separator,
        { role: 'togglefullscreen', label: words.fullScreen },
        { role: 'toggleDevTools', label: words.developerTools },
      ],
    },
    helpMenu(words, checkForUpdates),
  ]);
}

const helpMenu = (words: Words, checkForUpdates: () => void): Item => ({
  label: words.help,
  submenu: [
    { label: words.checkForUpdates, click: checkForUpdates },
    { label: words.showLog, click: () => shell.showItemInFolder(log.transports.file.getFile().path) },
    { label: `Emulsion ${app.getVersion()}`, enabled: false },
  ],
});
