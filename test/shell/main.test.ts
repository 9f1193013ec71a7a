/** The desktop app from start to end, with real services on an empty data folder; Electron's part is played by the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { StudioClient } from '../../preload/contract.ts';
import * as electron from './electron.ts';
import * as log from './log.ts';

vi.mock('electron', () => import('./electron.ts'));
vi.mock('electron-log/main', () => import('./log.ts'));
vi.mock('electron-updater', () => ({ default: { autoUpdater: {} } }));

const data = mkdtempSync(join(tmpdir(), 'emulsion-shell-'));
const sent = () => electron.BrowserWindow.last.webContents.sent.map(([, message]) => message);
const ours = () => {
  const { webContents } = electron.BrowserWindow.last;
  return { sender: webContents, senderFrame: webContents.mainFrame };
};

/** Milliseconds until a busy machine has done it. */
const PATIENCE = 60_000;
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, PATIENCE);

/** The page's way to the studio: asks for a port as the preload script does. */
function connect(event: unknown = ours()): StudioClient | null {
  const { posted } = electron.BrowserWindow.last.webContents.mainFrame;
  posted.splice(0);
  electron.ipcMain.emit('connect', event);
  const [message] = posted;
  if (message === undefined) return null;
  const [port] = message[2] as [InstanceType<typeof MessagePort>];
  const client: StudioClient = createORPCClient(new RPCLink({ port }));
  port.start();
  return client;
}

beforeAll(async () => {
  process.env['EMULSION_DATA'] = data;
  // macOS hands a file over while the app still starts.
  const starting = import('../../main/shell/main.ts');
  await eventually(() => expect(electron.app.listenerCount('open-file')).toBe(1));
  electron.app.emit('open-file', { preventDefault: () => undefined }, '/early.safetensors');
  await starting;
  await eventually(() => expect(electron.BrowserWindow.last).toBeDefined());
});

afterAll(async () => {
  electron.app.emit('window-all-closed');
  await eventually(() => expect(electron.app.quits).toBeGreaterThan(1));
  rmSync(data, { recursive: true });
});

describe('the start', () => {
  it('opens one window on its own page and hands over the file that came early', async () => {
    expect(electron.BrowserWindow.all).toHaveLength(1);
    await eventually(() => expect(sent()).toContainEqual({ type: 'open', path: '/early.safetensors' }));
    expect(electron.protocol.schemes).toEqual([
      expect.objectContaining({ scheme: 'emulsion', privileges: expect.objectContaining({ secure: true }) }),
    ]);
    expect(Object.keys(electron.session.defaultSession.handlers)).toHaveLength(4);
  });

  it('a second start brings the window back and opens its files', async () => {
    electron.BrowserWindow.last.minimized = true;
    electron.app.emit('second-instance', {}, ['emulsion', '/second.emulsion', '--flag']);
    expect(electron.BrowserWindow.last).toMatchObject({ minimized: false, focused: true });
    await eventually(() => expect(sent()).toContainEqual({ type: 'open', path: '/second.emulsion' }));
    expect(electron.BrowserWindow.all).toHaveLength(1);
  });
});

describe('the contract over a port', () => {
  it('answers our own page', async () => {
    const info = await connect()!.app.info();
    expect(info).toMatchObject({ shell: 'electron', version: '1.2.3', dataDir: data });
  });

  it('gives no port to another frame, page or window', () => {
    const { sender, senderFrame } = ours();
    expect(connect({ sender, senderFrame: { ...senderFrame } })).toBeNull();
    expect(connect({ sender: new electron.WebContents(), senderFrame })).toBeNull();
    senderFrame.url = 'https://example.org/';
    expect(connect({ sender, senderFrame })).toBeNull();
    senderFrame.url = 'emulsion://studio/index.html';
  });
});

describe('the menu', () => {
  const labels = () => electron.menu.items.map(({ label }) => label);
  const find = (label: string) =>
    electron.menu.items.flatMap(({ submenu }) => submenu ?? []).find((item) => item.label === label);

  it("runs the page's commands", async () => {
    find('Generate')!.click!();
    await eventually(() => expect(sent()).toContainEqual({ type: 'command', command: 'enter' }));
  });

  it('speaks Chinese as soon as the settings do', async () => {
    const client = connect()!;
    expect(labels()).toContain('File');
    await client.settings.update({ language: 'zh-CN' });
    await eventually(() => expect(labels()).toEqual(['文件', '编辑', '图片', '视图', '帮助']));
    await client.settings.update({ language: 'en' });
  });
});

describe('pictures', () => {
  const ask = (path: string, init?: RequestInit) =>
    electron.protocol.answers.get('emulsion')!(new Request(`emulsion://studio${path}`, init));
  const store = async (format: 'png' | 'webp') => {
    const client = connect()!;
    const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: '#246' } });
    const file = new Blob([new Uint8Array(await picture.toFormat(format).toBuffer())]);
    const { image } = await client.images.upload({ file });
    return client.history.keep({ image });
  };

  it('are served by their id, other paths of the disk are not', async () => {
    const { id } = await store('png');
    const answer = await ask(`/files/picture/${id}`);
    expect(answer.status).toBe(200);
    expect(await sharp(Buffer.from(await answer.arrayBuffer())).metadata()).toMatchObject({ width: 64 });
    for (const path of [
      '/files/picture/999999',
      '/files/picture/..%2f..%2fstudio.sqlite',
      '/files/outbox/..%2fstudio.sqlite',
      '/files/nonsense/1',
      '/..%2f..%2fpackage.json',
      '/%00',
      '/%zz',
    ])
      expect((await ask(path)).status, path).toBeGreaterThanOrEqual(400);
    expect((await ask(`/files/picture/${id}`, { method: 'POST' })).status).toBe(404);
    const elsewhere = electron.protocol.answers.get('emulsion')!(new Request('emulsion://other/index.html'));
    expect((await elsewhere).status).toBe(404);
  });

  it('are dragged out as their files, with an icon whatever their format', async () => {
    const { id } = await store('webp');
    const { dragged } = electron.BrowserWindow.last.webContents;
    electron.ipcMain.emit('drag out', ours(), id);
    await eventually(() => expect(dragged).toHaveLength(1));
    const { file, icon } = dragged[0] as { file: string; icon: Buffer };
    expect(file.startsWith(join(data, 'pictures'))).toBe(true);
    expect(await sharp(icon).metadata()).toMatchObject({ format: 'png', width: 96 });
  });

  it('that do not exist, or are asked for by others, drag nothing', async () => {
    const { dragged } = electron.BrowserWindow.last.webContents;
    dragged.splice(0);
    electron.ipcMain.emit('drag out', { ...ours(), senderFrame: null }, 1);
    electron.ipcMain.emit('drag out', ours(), '../etc/passwd');
    log.lines.splice(0);
    electron.ipcMain.emit('drag out', ours(), 123_456);
    await eventually(() => expect(String(log.lines[0]?.[0])).toContain('no picture 123456'));
    expect(dragged).toEqual([]);
  });
});

describe('a crash of the page', () => {
  it('is mended and told in the page, then in a box of the system', async () => {
    const { webContents } = electron.BrowserWindow.last;
    webContents.emit('render-process-gone', {}, { reason: 'oom' });
    expect(webContents.reloads).toBe(1);
    const { notices } = await connect()!.app.info();
    expect(notices[0]?.error).toMatchObject({ code: 'crashed', hint: expect.stringContaining('safe') });
    webContents.emit('render-process-gone', {}, { reason: 'oom' });
    expect(webContents.reloads).toBe(1);
    expect(electron.errorBoxes.at(-1)?.[1]).toContain('safe');
  });
});
