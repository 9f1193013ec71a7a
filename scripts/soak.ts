/** `npm run test:soak -- MINUTES` (20 unless said): works in the studio by script and looks for long tasks and growing memory. */
import { spawnSync } from 'node:child_process';

const minutes = Number(process.argv[2] ?? 20);
if (!(minutes > 0)) throw new Error(`Minutes are a number above 0, not ${process.argv[2]}.`);
const { status } = spawnSync('playwright', ['test', '-c', 'test/e2e/soak.config.ts'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { ...process.env, EMULSION_SOAK_MINUTES: String(minutes) },
});
process.exitCode = status ?? 1;
