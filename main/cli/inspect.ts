/** `emulsion inspect`: what a weights file is, and what is wrong with it. */
import { Command } from 'commander';
import { type FileHashes, hashFile } from '../../native-models/inspect/hashes.ts';
import { type Inspection, inspectWeights } from '../../native-models/inspect/inspect.ts';
import { clipTextParameters, unetParameters, vaeParameters } from '../../native-models/models/parameters.ts';

interface Options {
  readonly json?: boolean;
  readonly deep?: boolean;
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say what a model file is: type, base, variant, prediction type, hashes, problems')
    .argument('<files...>', 'model files')
    .option('--deep', 'read all weights and look for NaN and infinity')
    .option('--json', 'print the report as JSON')
    .action(async (files: string[], options: Options) => {
      for (const file of files) await inspect(file, options);
    });
}

/** Prints one report; problems found set the exit code. */
async function inspect(file: string, { json, deep }: Options): Promise<void> {
  const expected = { unet: unetParameters, vae: vaeParameters, clipText: clipTextParameters };
  const report = await inspectWeights(file, { expected, ...(deep && { deep }) });
  const hashes = await hashFile(file);
  if (report.problems.length > 0) process.exitCode = 3;
  console.log(json ? JSON.stringify({ ...report, hashes }, null, 2) : reportText(report, hashes));
}

function reportText(report: Inspection, hashes: FileHashes): string {
  const dtypes = Object.entries(report.dtypes).map(([dtype, count]) => `${count} × ${dtype}`);
  const rows: [string, string | null][] = [
    ['is', report.description],
    ['variant', report.variant],
    ['predicts', report.predictionType],
    ['tensors', `${report.tensorCount} (${dtypes.join(', ')})`],
    ['parameters', `${(report.parameters / 1e6).toFixed(1)} million`],
    ['size', `${(report.bytes / 2 ** 20).toFixed(1)} MiB`],
    ['sha256', hashes.sha256],
    ['AutoV2', hashes.autoV2],
    ['AutoV3', hashes.autoV3],
    ...report.problems.map((problem): [string, string] => ['problem', problem.message]),
  ];
  const lines = rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `  ${name.padEnd(11)}${value}`);
  return [report.path, ...lines].join('\n');
}
