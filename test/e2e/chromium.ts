/** Which Chromium to test in: the system's, else Playwright's own, else the one that npm's @sparticuz/chromium carries (Linux x64). */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { chromium } from '@playwright/test';

/** Names on the PATH, and the places where installers put Chromium's kin on macOS and Windows. */
const SYSTEM = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
] as const;
const UNPACKED = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'emulsion', 'chromium');
/** Unpacks a browser of 200 MB. */
const UNPACK_MILLISECONDS = 120_000;

export interface Browser {
  readonly executablePath: string;
  /** What it needs in its environment: the packed one brings libraries of its own. */
  readonly env: Readonly<Record<string, string>>;
}

/** The browser to launch; where there is none, why. */
export function findChromium(): Browser | { readonly missing: string } {
  const wanted = process.env['CHROMIUM_PATH'];
  const names = wanted === undefined ? [...SYSTEM, chromium.executablePath()] : [wanted];
  const found = names.flatMap(placesOf).find((path) => answers(path));
  if (found !== undefined) return { executablePath: found, env: {} };
  if (wanted !== undefined) return { missing: `CHROMIUM_PATH names no browser that starts: ${wanted}` };
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return {
      missing: `no Chromium on this ${process.platform} ${process.arch}: npx playwright install chromium`,
    };
  return (
    unpacked() ?? {
      missing: 'no Chromium on the system, and the packed one does not start: apt install chromium',
    }
  );
}

/** Where a name may lie: on the PATH, unless it says itself. */
const placesOf = (name: string): string[] =>
  (isAbsolute(name)
    ? [name]
    : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))
  ).filter((path) => existsSync(path));

/** True when this is a browser that starts: a distribution's stub, which only asks to be installed, is none. */
function answers(path: string, env: Readonly<Record<string, string>> = {}): boolean {
  // On Windows `chrome.exe --version` opens a window instead of answering.
  if (process.platform === 'win32') return path.endsWith('.exe');
  try {
    execFileSync(path, ['--no-sandbox', '--version'], {
      stdio: 'ignore',
      timeout: 30_000,
      env: { ...process.env, ...env },
    });
    return true;
  } catch {
    return false;
  }
}

/** Unpacks the browser of @sparticuz/chromium once; a half unpacked one is thrown away. */
function unpacked(): Browser | null {
  const executablePath = join(UNPACKED, 'chromium');
  const env = {
    LD_LIBRARY_PATH: join(UNPACKED, 'al2023', 'lib'),
    FONTCONFIG_PATH: join(UNPACKED, 'fonts'),
  };
  if (existsSync(executablePath) && answers(executablePath, env)) return { executablePath, env };
  rmSync(UNPACKED, { recursive: true, force: true });
  const script = `
    import { mkdirSync } from 'node:fs';
    import chromium from '@sparticuz/chromium';
    mkdirSync(process.env.TMPDIR, { recursive: true });
    await chromium.executablePath();`;
  try {
    execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      // The package unpacks into the temporary folder, and its libraries only where it believes itself in this environment.
      env: { ...process.env, TMPDIR: UNPACKED, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
      cwd: import.meta.dirname,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: UNPACK_MILLISECONDS,
    });
  } catch {
    return null;
  }
  return answers(executablePath, env) ? { executablePath, env } : null;
}
