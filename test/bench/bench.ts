/**
 * `npm run bench`: every claim about speed and memory as a row, on a full-size SD 1.5 of random weights, beside this
 * machine's own GEMM speed. `--only a,b` runs some sections, `--quick` leaves 512² out, `--json` prints the numbers;
 * `--device webgpu` (or another, or auto) measures that device instead.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ENGINE_ENVIRONMENT } from '../../main/engine/border/launch.ts';
import type { EngineSettings } from '../../main/engine/border/protocol.ts';
import { SD15 } from '../../native-models/models/configs.ts';
import { writeRandomCheckpoint } from '../../native-models/weights/randomCheckpoint.ts';
import { type BenchContext, type SectionReport, sectionLines } from './rows.ts';
import { SECTIONS } from './sections.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    checkpoint: { type: 'string' },
    device: { type: 'string' },
  },
});
const all = Object.keys(SECTIONS).filter((name) => (name === 'device') === (values.device !== undefined));
const names = values.only?.split(',') ?? all;
const unknown = names.filter((name) => !(name in SECTIONS));
if (unknown.length > 0)
  throw new RangeError(`No section ${unknown.join(', ')}; choose from ${Object.keys(SECTIONS).join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'emulsion-bench-'));
try {
  const checkpoint = values.checkpoint ?? join(folder, 'random-sd15.safetensors');
  if (!values.checkpoint) await writeRandomCheckpoint(checkpoint, SD15, 1);
  const device = values.device as EngineSettings['device'] | undefined;
  const sides = values.quick ? [256] : [256, 512];
  const context: BenchContext = { checkpoint, folder, sides, ...(device && { device }) };
  const reports: SectionReport[] = [];
  for (const name of names) {
    const report = await runSection(name, context).catch((error: Error) => failed(name, error));
    if (!report) continue;
    reports.push(report);
    if (!values.json) console.log(`${sectionLines(report).join('\n')}\n`);
  }
  if (values.json) console.log(JSON.stringify(reports, null, 2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The other sections still run; the exit code tells. */
function failed(name: string, error: Error): undefined {
  console.error(`${name} failed: ${error.message}`);
  process.exitCode = 1;
}

async function runSection(name: string, context: BenchContext): Promise<SectionReport> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'runSection.ts'), name, JSON.stringify(context)],
    { env: { ...process.env, ...ENGINE_ENVIRONMENT }, maxBuffer: 2 ** 24 },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as SectionReport;
}
