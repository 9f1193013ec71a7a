/** The desktop app's life: one instance, services, window, and a clean end. Everything else is in the files beside it. */
import { join } from 'node:path';
import { app, Menu, Notification, net, protocol, session } from 'electron';
import log from 'electron-log/main';
import { createServices, type Services } from '../app/services.ts';
import { defaultDataRoot } from '../storage/dataFolder.ts';
import { launchUtility } from './engine.ts';
import { filesIn } from './files.ts';
import { buildMenu } from './menu.ts';
import { notifyWhenDone } from './notify.ts';
import { serveContract } from './ports.ts';
import { answer, SCHEME, urlsOf } from './protocol.ts';
import { desktopShell } from './system.ts';
import { checkForUpdates } from './updates.ts';
import { openWindow, type StudioWindow } from './window.ts';

/** Folders of the packaged app, and of a checkout that electron-vite has built. */
const OUT = join(import.meta.dirname, '..');
const RESOURCES = app.isPackaged ? process.resourcesPath : join(OUT, '..');

log.initialize();
log.errorHandler.startCatching({ showDialog: false });
protocol.registerSchemesAsPrivileged([
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true } },
]);

if (app.requestSingleInstanceLock()) void app.whenReady().then(start, fail);
else app.quit();

async function start(): Promise<void> {
  let window: StudioWindow | null = null;
  const services = await createServices({
    dataRoot: defaultDataRoot(process.env, process.platform),
    launchEngine: () => launchUtility(join(OUT, 'main', 'engine.js')),
    urls: urlsOf,
    shell: desktopShell(() => window?.browser ?? null),
    version: app.getVersion(),
    starterDir: join(RESOURCES, 'starter'),
  });
  refuseEverything();
  protocol.handle(SCHEME, (request) => answer(services, join(OUT, 'renderer'), request));
  const show = () => {
    window ??= openWindow({
      preload: join(OUT, 'preload', 'bridge.cjs'),
      stateFile: join(services.folder.root, 'window.json'),
    });
    window.browser.once('closed', () => {
      window = null;
    });
    return window;
  };
  serveContract(services, () => window?.browser ?? null);
  Menu.setApplicationMenu(
    buildMenu(
      (command) => show().send({ type: 'command', command }),
      () => checkForUpdates(services),
    ),
  );
  notifyWhenDone(services, () => window?.browser ?? null, Notification);
  const open = (paths: readonly string[]) => {
    for (const path of paths) show().send({ type: 'open', path });
  };
  app.on('second-instance', (_event, argv) => {
    show().browser.focus();
    open(filesIn(argv));
  });
  app.on('open-file', (event, path) => {
    event.preventDefault();
    open([path]);
  });
  app.on('activate', () => void show());
  endCleanly(services);
  show();
  open(filesIn(process.argv));
}

/** No page of ours asks for camera, location or the like; whatever asks is not ours. */
function refuseEverything(): void {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
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

function fail(error: unknown): void {
  log.error(error);
  console.error(error instanceof Error ? error.message : error, net.isOnline() ? '' : '(offline)');
  app.exit(1);
}
