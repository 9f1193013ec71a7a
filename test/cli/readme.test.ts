/** The examples of the README run as they stand, but for their steps: two are enough to see that every option is understood. */
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { emulsion, temporaryFolder } from '../helpers/emulsion.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** What follows "npm run generate --" or "npm run emulsion --" in the code blocks of "What it does". */
const COMMAND = /^npm run (generate|emulsion) -- (.+)$/gm;

function examples(): string[][] {
  const section = /## What it does\n(.*?)\n## /s.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))![1]!;
  return [...section.matchAll(COMMAND)].map(([, script, line]) => {
    const args = [...line!.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
    return script === 'generate' ? ['generate', ...args] : args;
  });
}

test('every example of the README succeeds', async () => {
  using folder = temporaryFolder();
  for (const name of ['starter', 'docs']) symlinkSync(join(ROOT, name), join(folder.path, name));
  const commands = examples();
  expect(commands.length).toBeGreaterThan(12);
  for (const command of commands) {
    const takesSteps = ['generate', 'train'].includes(command[0]!) && !command.includes('--from');
    const args = takesSteps ? [...command, '--steps', '2'] : command;
    const { code, stderr } = await emulsion(args, { cwd: folder.path });
    expect(code, `${args.join(' ')}\n${stderr}`).toBe(0);
  }
}, 600_000);
