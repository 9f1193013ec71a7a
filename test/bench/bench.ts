/**
 * `npm run bench`: a full-size SD 1.5 of random weights, each network in each memory mode, beside this machine's own
 * GEMM speed measured in the same process. `--quick` leaves 512² out, `--json` prints the numbers.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { flopsOf } from '../../native-models/graph/flops.ts';
import { input, type Value } from '../../native-models/graph/value.ts';
import { rootScope } from '../../native-models/layers/scope.ts';
import { SD15 } from '../../native-models/models/configs.ts';
import { recordingSource } from '../../native-models/models/parameters.ts';
import { unet } from '../../native-models/models/unet.ts';
import { vaeDecoder } from '../../native-models/models/vae.ts';
import { writeRandomCheckpoint } from '../../native-models/weights/randomCheckpoint.ts';
import type { Measurement } from './measure.ts';

const quick = process.argv.includes('--quick');
const sides = quick ? [256] : [256, 512];
/** Two GEMM readings of one process further apart than this mean that something else was running. */
const CONTENTION = 0.15;

interface Row {
  readonly what: string;
  readonly seconds: number;
  /** Work over time over GEMM speed, where there is work to count. */
  readonly efficiency?: number;
  readonly peakGiB?: number;
  readonly privateGiB?: number;
  readonly contended: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'emulsion-bench-'));
try {
  const checkpoint = join(folder, 'random-sd15.safetensors');
  await writeRandomCheckpoint(checkpoint, SD15, 1);
  const rows = await measureAll(checkpoint);
  if (process.argv.includes('--json')) console.log(JSON.stringify(rows, null, 2));
  else printTable(rows);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measureAll(checkpoint: string): Promise<Row[]> {
  const rows: Row[] = [];
  const gemms: number[] = [];
  const add = async (network: string, memory: string, flops?: (side: number) => number): Promise<void> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, 'measure.ts'), checkpoint, network, memory, sides.join(','), folder],
      { env: { ...process.env, MALLOC_MMAP_THRESHOLD_: '262144' } },
    );
    const { create, run, gemm, peakGiB, privateGiB } = JSON.parse(stdout) as Measurement;
    gemms.push(...gemm);
    const contended = Math.abs(gemm[0] - gemm[1]) / Math.max(...gemm) > CONTENTION;
    rows.push({ what: `${network} ${memory}: create`, seconds: create, peakGiB, privateGiB, contended });
    for (const side of sides) {
      const work = flops?.(side);
      const efficiency =
        work === undefined ? {} : { efficiency: work / run[side]! / 1e9 / ((gemm[0] + gemm[1]) / 2) };
      rows.push({ what: `${network} ${memory}: ${side}²`, seconds: run[side]!, ...efficiency, contended });
    }
  };
  for (const memory of ['normal', 'cached', 'low']) await add('unet', memory, unetFlops);
  await add('vaeDecoder', 'normal', vaeFlops);
  await add('textEncoder', 'normal');
  rows.push(await firstPicture(checkpoint));
  const mean = gemms.reduce((a, b) => a + b, 0) / gemms.length;
  console.error(
    `GEMM float32: ${mean.toFixed(0)} GFLOP/s (${Math.min(...gemms).toFixed(0)}–${Math.max(...gemms).toFixed(0)})`,
  );
  return rows;
}

/** From the start of the process to a picture on disk, one step at 256². */
async function firstPicture(checkpoint: string): Promise<Row> {
  const cli = join(import.meta.dirname, '..', '..', 'main', 'cli', 'emulsion.ts');
  const options = [
    '--checkpoint',
    checkpoint,
    '--width',
    '256',
    '--height',
    '256',
    '--steps',
    '1',
    '--out',
    folder,
  ];
  const start = performance.now();
  await promisify(execFile)(process.execPath, [cli, 'generate', 'a boat', ...options]);
  return {
    what: 'first picture: 256², 1 step, cold',
    seconds: (performance.now() - start) / 1000,
    contended: false,
  };
}

function unetFlops(side: number): number {
  const float = (name: string, ...shape: number[]): Value => input(name, 'float32', shape);
  const scope = rootScope(recordingSource(new Map()), { flavour: 'cpu' });
  const size = side / 8;
  const inputs = {
    latent: float('x', 2, 4, size, size),
    timestep: float('t', 2),
    context: float('c', 2, 77, 768),
  };
  return flopsOf([unet(scope, SD15.unet, inputs)]);
}

function vaeFlops(side: number): number {
  const scope = rootScope(recordingSource(new Map()), { flavour: 'cpu' });
  return flopsOf([vaeDecoder(scope, SD15.vae, input('z', 'float32', [1, 4, side / 8, side / 8]))]);
}

function printTable(rows: readonly Row[]): void {
  const cell = (value: number | undefined, digits: number, unit = ''): string =>
    value === undefined ? '' : `${value.toFixed(digits)}${unit}`;
  console.log('what                                 seconds   of GEMM   peak GiB  private GiB');
  for (const { what, seconds, efficiency, peakGiB, privateGiB, contended } of rows) {
    const percent = efficiency === undefined ? '' : `${(100 * efficiency).toFixed(0)} %`;
    const cells = [
      cell(seconds, 2).padStart(8),
      percent.padStart(9),
      cell(peakGiB, 2).padStart(10),
      cell(privateGiB, 2).padStart(12),
    ];
    console.log(`${what.padEnd(36)}${cells.join('')}${contended ? '   (the machine was busy)' : ''}`);
  }
}
