/** Which Chromium to test in: the system's if it has one, else Playwright's own. */
import { execFileSync } from 'node:child_process';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Path of the system's Chromium; null where there is none. */
export function chromiumPath(): string | null {
  const wanted = process.env['CHROMIUM_PATH'];
  if (wanted) return wanted;
  if (process.platform === 'win32') return null;
  for (const name of NAMES) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // `which` says by its exit code that this one is not there; the next name is tried.
    }
  }
  return null;
}
