/** `emulsion devices`: which processors can run the networks, which was chosen, and why. */
import { Command } from 'commander';
import { runOnce } from './engine.ts';

export function devicesCommand(): Command {
  return new Command('devices')
    .description('try every device against the CPU’s numbers and show which is used')
    .option('--json', 'print the report as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const report = await runOnce({ kind: 'devices' });
      if (report.kind !== 'devices') throw new Error('the engine answered something else than devices');
      if (json) return console.log(JSON.stringify(report, null, 2));
      for (const { name, usable, reason } of report.devices) {
        const mark = name === report.chosen ? 'used  ' : usable ? 'usable' : '-     ';
        console.log(`${mark}  ${name.padEnd(8)} ${reason}`);
      }
    });
}
