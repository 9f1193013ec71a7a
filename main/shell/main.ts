/** The desktop app's life: one instance, services, window, and a clean end. Everything else is in the files beside it. */
import { join } from 'node:path';
import { app, dialog, Menu, Notification, protocol, session } from 'electron';
import log from 'electron-log/main';
import { StudioError } from '../../preload/errors.ts';
import { addNotice } from '../app/notices.ts';
import { createServices, type Services } from '../app/services.ts';
import { defaultDataRoot } from '../storage/dataFolder.ts';
import { readSettings } from '../storage/settings.ts';
import { launchUtility } from './engine.ts';
import { filesIn } from './files.ts';
import { buildMenu } from './menu.ts';
import { notifyWhenDone } from './notify.ts';
import { refuseEverything } from './permissions.ts';
import { serveContract } from './ports.ts';
import { answer, SCHEME, urlsOf } from './protocol.ts';
import { desktopShell } from './system.ts';
import { checkForUpdates } from './updates.ts';
import { openWindow, type StudioWindow } from './window.ts';
import { type Words, wordsOf } from './words.ts';

/** Folders of the packaged app, and of a checkout that electron-vite has built. */
const OUT = join(import.meta.dirname, '..');
const RESOURCES = app.isPackaged ? process.resourcesPath : join(OUT, '..');

log.initialize();
log.errorHandler.startCatching({ showDialog: false });
protocol.registerSchemesAsPrivileged([
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true } },
]);

/** Files that the system handed over before there was a window to show them in; macOS does so while the app starts. */
const early: string[] = [];
let openFiles = (paths: readonly string[]): void => void early.push(...paths);
app.on('open-file', (event, path) => {
  event.preventDefault();
  openFiles([path]);
});

if (app.requestSingleInstanceLock()) void app.whenReady().then(start).catch(fail);
else app.quit();

async function start(): Promise<void> {
  let window: StudioWindow | null = null;
  const browser = () => window?.browser ?? null;
  const services = await createServices({
    dataRoot: defaultDataRoot(process.env, process.platform),
    launchEngine: () => launchUtility(join(OUT, 'main', 'engine.js')),
    urls: urlsOf,
    shell: desktopShell(browser),
    version: app.getVersion(),
    starterDir: join(RESOURCES, 'starter'),
    log: (text, error) => log.error(text, error),
  });
  const words = () => wordsOf(readSettings(services.db).language, app.getLocale());
  refuseEverything(session.defaultSession);
  protocol.handle(SCHEME, (request) => answer(services, join(OUT, 'renderer'), request));
  const show = (): StudioWindow => {
    if (window !== null) return window;
    window = openWindow({
      preload: join(OUT, 'preload', 'bridge.cjs'),
      stateFile: join(services.folder.root, 'window.json'),
      onCrash: (outcome, reason) => tellCrash(services, words(), outcome, reason),
    });
    window.browser.once('closed', () => {
      window = null;
    });
    return window;
  };
  serveContract(services, browser);
  showMenu(services, words, show);
  notifyWhenDone(services, browser, words, Notification);
  openFiles = (paths) => {
    for (const path of paths) show().send({ type: 'open', path });
  };
  app.on('second-instance', (_event, argv) => {
    const { browser } = show();
    if (browser.isMinimized()) browser.restore();
    browser.focus();
    openFiles(filesIn(argv));
  });
  app.on('activate', () => void show());
  endCleanly(services);
  show();
  openFiles([...early, ...filesIn(process.argv)]);
}

/** The menu, and again in the other language when the settings change it. */
function showMenu(services: Services, words: () => Words, show: () => StudioWindow): void {
  const build = () =>
    Menu.setApplicationMenu(
      buildMenu({
        words: words(),
        command: (command) => show().send({ type: 'command', command }),
        checkForUpdates: () => void checkForUpdates(services, words()),
      }),
    );
  services.events.subscribe(({ type }) => type === 'settings' && build());
  build();
}

/** In the page where it lives again, in a box of the system where it does not. */
function tellCrash(
  { db, events }: Services,
  words: Words,
  outcome: 'mended' | 'given up',
  reason: string,
): void {
  log.error(`The window stopped: ${reason} (${outcome})`);
  if (outcome === 'given up') {
    dialog.showErrorBox(words.windowCrashedTwice, `${words.windowCrashedTwiceHint} (${reason})`);
    return;
  }
  const error = { code: 'crashed', message: words.windowCrashed, hint: words.windowCrashedHint } as const;
  addNotice(db, events.emit, 'warning', { ...error, details: reason }, Date.now());
}

/** The queue and the database are closed before the process ends, at most once. */
function endCleanly(services: Services): void {
  let closed = false;
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('before-quit', (event) => {
    if (closed) return;
    event.preventDefault();
    closed = true;
    void services.close().finally(() => app.quit());
  });
}

/** Without services there is no window to say it in. */
function fail(error: unknown): void {
  log.error(error);
  dialog.showErrorBox('Emulsion', messageOf(error));
  app.exit(1);
}

function messageOf(error: unknown): string {
  if (error instanceof StudioError) return `${error.message} ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}
