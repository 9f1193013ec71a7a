/** Every gate in one command, side by side: types, lint, import rules, dead code, size budget. */
import { spawn } from 'node:child_process';

const GATES: Readonly<Record<string, string>> = {
  types: 'tsc --noEmit -p .',
  'types of the window': 'tsc --noEmit -p renderer',
  lint: 'biome check .',
  'import rules': 'depcruise --config .dependency-cruiser.cjs native-models main preload renderer starter',
  'dead code': 'knip',
  'size budget': 'node scripts/size-budget.ts',
};

const results = await Promise.all(Object.entries(GATES).map(([name, command]) => run(name, command)));
for (const { name, output, passed, seconds } of results) {
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${name} (${seconds.toFixed(1)} s)`);
  if (!passed) console.log(output.trimEnd());
}
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;

interface Result {
  readonly name: string;
  readonly output: string;
  readonly passed: boolean;
  readonly seconds: number;
}

function run(name: string, command: string): Promise<Result> {
  const start = performance.now();
  const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ name, output, passed: code === 0, seconds: (performance.now() - start) / 1000 });
    });
  });
}
