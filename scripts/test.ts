/**
 * `npm test`: the unit tests, then the end-to-end tests in a real browser; at the end how many passed and failed, of both together.
 * Arguments go to the unit tests, which then run alone: `npm test -- test/pipeline`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const unitReport = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
});
const endToEndReport = z.object({
  stats: z.object({ expected: z.int(), unexpected: z.int(), flaky: z.int(), skipped: z.int() }),
});

/** A suite that could not even be started, or was ended from outside. */
const NOT_RUN: Tally = { passed: 0, failed: 1, skipped: 0 };

const files = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'emulsion-tests-'));
const suites = files.length > 0 ? [await unit(files)] : [await unit([]), await endToEnd()];
rmSync(folder, { recursive: true, force: true });
const sum = (of: keyof Tally): number => suites.reduce((total, { [of]: count }) => total + count, 0);
const skipped = sum('skipped');
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = sum('failed') > 0 ? 1 : 0;

async function unit(only: readonly string[]): Promise<Tally> {
  const report = join(folder, 'unit.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await run('vitest', ['run', ...reporters, ...only]);
  if (!existsSync(report)) return NOT_RUN;
  const { numPassedTests, numFailedTests, numPendingTests } = unitReport.parse(readJson(report));
  return tally(code, numPassedTests, numFailedTests, numPendingTests);
}

async function endToEnd(): Promise<Tally> {
  const report = join(folder, 'e2e.json');
  const code = await run('playwright', ['test', '-c', 'test/e2e/playwright.config.ts'], {
    PLAYWRIGHT_JSON_OUTPUT_FILE: report,
  });
  if (!existsSync(report)) return NOT_RUN;
  const { expected, unexpected, flaky, skipped } = endToEndReport.parse(readJson(report)).stats;
  return tally(code, expected, unexpected + flaky, skipped);
}

/** A suite that fails without a failed test (a file that does not load) counts as one failure. */
function tally(code: number, passed: number, failed: number, skipped: number): Tally {
  return { passed, failed: code === 0 ? failed : Math.max(1, failed), skipped };
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function run(
  tool: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = spawn(tool, args, {
    stdio: 'inherit',
    env: { ...process.env, ...env },
    // npm puts the tools on the PATH; on Windows they are scripts, which only a shell runs.
    shell: process.platform === 'win32',
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
