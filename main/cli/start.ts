/** `emulsion start`: the desktop window where Electron's binary is there or can be fetched, else the studio in a browser. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { badInput } from '../engine/border/failures.ts';
import { PROJECT_ROOT, runTool } from './build.ts';
import { addServeOptions, type ServeOptions, serve } from './serve.ts';
import { flagOf } from './together.ts';

/** Electron fetches its binary at first start; longer than this means that the download cannot be reached. */
const DOWNLOAD_SECONDS = 120;

/** How each system opens an address; Linux has xdg-open. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

export function startCommand(): Command {
  return addServeOptions(new Command('start').description('open the studio')).action(start);
}

async function start(options: ServeOptions): Promise<void> {
  const reason = await missingElectron();
  if (reason === undefined) return startElectron(windowEnvironment(options));
  console.log(`Electron cannot start here (${reason}), so the studio opens in a browser.`);
  const url = await serve(options);
  if (hasDisplay()) openBrowser(url);
}

const hasDisplay = (): boolean =>
  process.platform !== 'linux' || Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']);

/** In the system's browser. Where it has none, the printed address is all there is. */
function openBrowser(url: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command!, [...args, url], { stdio: 'ignore', detached: true });
  child.once('error', () => undefined);
  child.unref();
}

/** The options as the window takes them. Throws bad input for those that only the server knows. */
export function windowEnvironment({
  port,
  token,
  allowHost,
  api,
  data,
}: ServeOptions): Record<string, string> {
  const served = {
    port: port === 0 ? undefined : port,
    token,
    allowHost,
    noApi: api ? undefined : true,
  };
  const [option] = Object.entries(served).find(([, value]) => value !== undefined) ?? [];
  if (option !== undefined)
    throw badInput(
      `${flagOf(option)} is for the studio in a browser, and here it opens in its own window.`,
      'Use "emulsion serve" with it, or leave it out.',
    );
  return data === undefined ? {} : { EMULSION_DATA: resolve(data) };
}

async function startElectron(env: Readonly<Record<string, string>>): Promise<void> {
  await runTool('electron-vite', ['build']);
  await runTool('electron', ['.'], env);
}

/** Why Electron cannot start; undefined when it can. */
async function missingElectron(): Promise<string | undefined> {
  const folder = join(PROJECT_ROOT, 'node_modules', 'electron');
  if (!existsSync(folder)) return 'it is not installed';
  if (!hasDisplay()) return 'there is no display';
  if (hasBinary(folder)) return undefined;
  console.log('Fetching Electron (once) …');
  try {
    await promisify(execFile)(process.execPath, [join(folder, 'install.js')], {
      timeout: DOWNLOAD_SECONDS * 1000,
    });
  } catch {
    return 'its binary could not be downloaded';
  }
  return hasBinary(folder) ? undefined : 'its binary could not be downloaded';
}

/** electron's own installer writes the path of the binary into path.txt. */
function hasBinary(folder: string): boolean {
  const note = join(folder, 'path.txt');
  return existsSync(note) && existsSync(join(folder, 'dist', readFileSync(note, 'utf8')));
}
