/** Gives our own page, and nobody else, a port that carries the contract; and lets it drag pictures out. */
import { type BrowserWindow, type IpcMainEvent, ipcMain, MessageChannelMain, nativeImage } from 'electron';
import log from 'electron-log/main';
import sharp from 'sharp';
import { createRouter } from '../app/handlers.ts';
import type { Services } from '../app/services.ts';
import { createTransport, portChannel } from '../app/transport.ts';
import { findFile } from '../files/stored.ts';
import { ORIGIN } from './protocol.ts';

/** True for the top frame of our window showing our page. */
export function isOurs(
  event: Pick<IpcMainEvent, 'senderFrame' | 'sender'>,
  window: BrowserWindow | null,
): boolean {
  const { senderFrame, sender } = event;
  if (window === null || senderFrame === null || sender !== window.webContents) return false;
  return senderFrame === sender.mainFrame && senderFrame.url.startsWith(`${ORIGIN}/`);
}

/** Edge of the picture under the pointer while it is dragged out, in pixels. */
const DRAG_ICON = 96;

/** Starts listening for pages that ask for a port, and for pictures dragged out. */
export function serveContract(services: Services, window: () => BrowserWindow | null): void {
  const transport = createTransport(createRouter(services));
  ipcMain.on('connect', (event) => {
    if (!isOurs(event, window())) return;
    const { port1, port2 } = new MessageChannelMain();
    transport.connect(portChannel(port1));
    port1.start();
    event.senderFrame?.postMessage('port', null, [port2]);
  });
  ipcMain.on('drag out', (event, id: unknown) => {
    if (isOurs(event, window()) && Number.isSafeInteger(id))
      dragOut(services, event, String(id)).catch((error: unknown) => log.warn(error));
  });
}

/** Hands the picture's file to the system, with a small copy of it under the pointer. */
async function dragOut(services: Services, { sender }: IpcMainEvent, id: string): Promise<void> {
  const { path } = await findFile(services, 'picture', id);
  // Electron itself reads PNG and JPEG only; the history holds WebP and AVIF too.
  const icon = await sharp(path).resize(DRAG_ICON, DRAG_ICON, { fit: 'inside' }).png().toBuffer();
  if (!sender.isDestroyed()) sender.startDrag({ file: path, icon: nativeImage.createFromBuffer(icon) });
}
