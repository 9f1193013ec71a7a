/** LoRA training beside the forward pass, in core seconds, and what it takes of memory; each in a process of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LoraTimes } from './loraTraining.ts';
import type { BenchContext, BenchRow } from './rows.ts';

const SCRIPT = join(import.meta.dirname, 'loraTraining.ts');

/** Step over forward pass, with attention computed twice and not, at 256²; peak memory at each side as the trainer runs. */
export async function trainingRows({ checkpoint, folder, sides }: BenchContext): Promise<BenchRow[]> {
  const measure = async (side: number, modes: string): Promise<LoraTimes> => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      SCRIPT,
      checkpoint,
      folder,
      String(side),
      modes,
      '1',
    ]);
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as LoraTimes;
  };
  const { seconds } = await measure(256, 'forward,nothing,attention');
  const [forward, plain, recomputing] = [seconds.forward!, seconds.nothing!, seconds.attention!];
  const rows: BenchRow[] = [
    { what: 'LoRA step, 256²', value: plain, unit: 'core s' },
    { what: 'LoRA step, 256², to forward pass', value: plain / forward, unit: '×', goal: { atMost: 3.2 } },
    {
      what: 'LoRA step, 256², attention twice, to once',
      value: recomputing / plain,
      unit: '×',
      goal: { atMost: 1.35 },
    },
  ];
  for (const side of sides) {
    const alone = await measure(side, side > 256 ? 'attention' : 'nothing');
    rows.push({
      what: `LoRA training, ${side}², peak memory`,
      value: alone.peakGiB,
      unit: 'GiB',
      goal: { atMost: side > 256 ? 10 : 6 },
    });
  }
  return rows;
}
