/** `npm start` where Electron cannot run: one line says why, and the studio is served and shown in the browser instead. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { windowEnvironment } from '../../main/cli/start.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

const root = join(import.meta.dirname, '..', '..');
const linux = process.platform === 'linux';
const electron = existsSync(join(root, 'node_modules', 'electron', 'path.txt'));

/** Nobody answers at this address, so Electron's binary cannot be fetched. */
const NO_DOWNLOAD = { ELECTRON_MIRROR: 'http://127.0.0.1:9/' } as const;

/** Starts the studio with this environment; resolves with what it said when it is open. */
async function start(data: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { DISPLAY: _x, WAYLAND_DISPLAY: _wayland, ...rest } = process.env;
  const child = spawn(process.execPath, ['main/cli/emulsion.ts', 'start', '--data', data, '--no-api'], {
    cwd: root,
    env: { ...rest, ...NO_DOWNLOAD, electron_config_cache: data, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGINT');
    await ended;
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes('Ctrl-C')) break;
  }
  return said;
}

it.skipIf(!linux)('serves and prints the address where there is no display (Linux only)', async () => {
  const said = await start(join(tempFolder(), 'data'), {});
  expect(said).toContain(
    'Electron cannot start here (there is no display), so the studio opens in a browser.\n',
  );
  const url = /open at (http:\/\/127\.0\.0\.1:\d+\/\?token=\S+)/.exec(said)?.[1];
  const page = await fetch(url!);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<title>Emulsion</title>');
});

it.skipIf(!linux || electron)(
  "opens the system's browser where Electron's binary is missing (Linux without Electron's binary only)",
  async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'bin'));
    const asked = join(folder, 'asked');
    writeFileSync(
      join(folder, 'bin', 'xdg-open'),
      `#!/bin/sh\necho "$1" > ${asked}.part && mv ${asked}.part ${asked}\n`,
    );
    chmodSync(join(folder, 'bin', 'xdg-open'), 0o755);
    const PATH = `${join(folder, 'bin')}:${process.env['PATH']}`;
    const said = await start(join(folder, 'data'), { DISPLAY: ':99', PATH });
    expect(said).toContain('its binary could not be downloaded');
    await expect.poll(() => existsSync(asked), { timeout: 20_000 }).toBe(true);
    expect(said).toContain(`Emulsion is open at ${readFileSync(asked, 'utf8').trim()}\n`);
  },
);

it('hands the data folder to the window, and refuses what only a server knows', () => {
  const none = { port: 0, api: true };
  expect(windowEnvironment(none)).toEqual({});
  expect(windowEnvironment({ ...none, data: 'here' })).toEqual({
    EMULSION_DATA: join(process.cwd(), 'here'),
  });
  expect(() => windowEnvironment({ ...none, port: 80 })).toThrow('--port is for the studio in a browser');
  expect(() => windowEnvironment({ ...none, api: false })).toThrow('--no-api is for');
  expect(() => windowEnvironment({ ...none, token: 'secretive' })).toThrow('--token is for');
  expect(() => windowEnvironment({ ...none, allowHost: ['x'] })).toThrow('--allow-host is for');
});
