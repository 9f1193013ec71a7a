/** Fails when a file or a function outgrows the budget: what separates good code from bad is the longest part, not the mean. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const FILE_LIMIT = 400;
const FUNCTION_LIMIT = 60;
/** Words and SQL are data: they are as long as they are. */
const TABLES = /^(renderer\/i18n|main\/storage\/migrations)\//;
const ROOTS = ['native-models', 'main', 'preload', 'renderer', 'scripts', 'starter'];

/** A function that starts at the beginning of a line or one level in, as the formatter lays it out. */
const FUNCTION_START =
  /^( {0,4})(?:export )?(?:default )?(?:async )?(?:function\*? |(?:static |readonly |async |\*|get |set |#)*[\w$#]+\([^)]*\)[^=;]*\{$|const [\w$]+ = (?:async )?(?:\([^)]*\)|[\w$]+)[^=]*=> \{$)/;

interface Excess {
  readonly where: string;
  readonly lines: number;
  readonly limit: number;
}

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...ROOTS], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => /\.tsx?$/.test(file) && !TABLES.test(file));
const excesses = files.flatMap((file) => excessesOf(file));
for (const { where, lines, limit } of excesses)
  console.error(`${where}: ${lines} lines, the limit is ${limit}`);
console.log(
  `${files.length} files within ${FILE_LIMIT} lines and functions within ${FUNCTION_LIMIT}: ${excesses.length} excesses`,
);
process.exitCode = excesses.length > 0 ? 1 : 0;

function excessesOf(file: string): Excess[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const found: Excess[] =
    lines.length > FILE_LIMIT ? [{ where: file, lines: lines.length, limit: FILE_LIMIT }] : [];
  lines.forEach((line, index) => {
    const start = FUNCTION_START.exec(line);
    if (!start) return;
    const end = lines.findIndex((other, at) => at > index && other.startsWith(`${start[1]}}`));
    const length = end - index + 1;
    if (length > FUNCTION_LIMIT)
      found.push({ where: `${file}:${index + 1}`, lines: length, limit: FUNCTION_LIMIT });
  });
  return found;
}
