/** `npm run conformance -- [DIR]`: every case below DIR (default: test/golden), one line per tensor, exit 1 on a failure. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CASES } from './cases.ts';

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..', 'golden'));
const folders = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'case.json')))
  .map((entry) => entry.name);

let failures = 0;
let count = 0;
for (const folder of folders) {
  const conformance = CASES[folder];
  if (!conformance) {
    failures++;
    console.log(`FAIL ${folder}/- no conformance module knows this case`);
    continue;
  }
  try {
    for await (const { tensor, maxError, tolerance, pass } of conformance(join(root, folder))) {
      count++;
      if (!pass) failures++;
      const numbers = `${maxError.toExponential(2)} ${tolerance.toExponential(2)}`;
      console.log(`${pass ? 'PASS' : 'FAIL'} ${folder}/${tensor} ${numbers}`);
    }
  } catch (error) {
    failures++;
    console.log(`FAIL ${folder}/- ${error instanceof Error ? error.message : error}`);
  }
}
console.log(`${count - failures} passed, ${failures} failed`);
process.exitCode = failures > 0 || count === 0 ? 1 : 0;
