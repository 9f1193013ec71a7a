/** Updates: never by itself, never past a locked network, downloaded only when wanted, and always in the log. */
import { beforeEach, expect, it, vi } from 'vitest';
import { createGate, readNetworkLog } from '../../main/network/gate.ts';
import { checkForUpdates } from '../../main/shell/updates.ts';
import { wordsOf } from '../../main/shell/words.ts';
import { updateSettings } from '../../main/storage/settings.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';
import * as electron from './electron.ts';

const updater = vi.hoisted(() => ({
  autoDownload: true,
  getFeedURL: () => 'https://updates.example/latest.yml',
  checkForUpdates: vi.fn(),
  downloadUpdate: vi.fn(),
}));
vi.mock('electron', () => import('./electron.ts'));
vi.mock('electron-updater', () => ({ default: { autoUpdater: updater } }));

const words = wordsOf('en', '');

beforeEach(() => {
  vi.clearAllMocks();
  electron.errorBoxes.splice(0);
  electron.messageBoxes.splice(0);
});

function setUp() {
  const db = tempDatabase();
  const locked = () => false;
  const gate = createGate({ db, locked, now: () => 1, onEntry: () => undefined, version: 'test' });
  return { db, check: () => checkForUpdates({ db, gate }, words) };
}

it('asks nobody while the network is locked', async () => {
  const { db, check } = setUp();
  updateSettings(db, { networkLocked: true });
  await check();
  expect(updater.checkForUpdates).not.toHaveBeenCalled();
  expect(electron.errorBoxes[0]?.[0]).toBe('The network is locked.');
  expect(readNetworkLog(db, 9)).toEqual([]);
});

it('says when there is none, and logs that it asked', async () => {
  const { db, check } = setUp();
  updater.checkForUpdates.mockResolvedValue({ isUpdateAvailable: false });
  await check();
  expect(updater.autoDownload).toBe(false);
  expect(electron.messageBoxes[0]).toEqual({ message: 'This is the newest version.' });
  expect(readNetworkLog(db, 9)).toMatchObject([
    { url: 'https://updates.example/latest.yml', purpose: 'update check', outcome: 'answered' },
  ]);
});

it('downloads only what is wanted', async () => {
  const { check } = setUp();
  updater.checkForUpdates.mockResolvedValue({ isUpdateAvailable: true, updateInfo: { version: '2.0.0' } });
  electron.dialog.answer = 1;
  await check();
  expect(electron.messageBoxes[0]?.['message']).toContain('2.0.0');
  expect(updater.downloadUpdate).not.toHaveBeenCalled();
  electron.dialog.answer = 0;
  await check();
  expect(updater.downloadUpdate).toHaveBeenCalledOnce();
});

it('says in one sentence that it could not ask', async () => {
  const { db, check } = setUp();
  updater.checkForUpdates.mockRejectedValue(new Error('no answer'));
  await check();
  expect(electron.errorBoxes).toEqual([['Updates could not be looked for.', 'no answer']]);
  expect(readNetworkLog(db, 9)).toMatchObject([{ outcome: 'failed' }]);
});
