/** Section "scan": how fast a folder of models is read by headers alone, at first and again; in CPU time (see history.ts). */
import { join } from 'node:path';
import { addFolders } from '../../main/library/folders.ts';
import { scanFolder } from '../../main/library/scan.ts';
import { openDatabase } from '../../main/storage/database.ts';
import { migrate } from '../../main/storage/migrate.ts';
import { writeModel } from '../helpers/modelFiles.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { cpuSecondsOf } from './timing.ts';

const FILES = 3000;
const FOLDERS = 30;
/** A LoRA of all attention layers of SD 1.5. */
const LAYERS = 192;

/** Headers as long as real ones (58 KB), behind them as little data as there can be. */
export async function scanRows({ folder }: BenchContext): Promise<BenchRow[]> {
  const root = join(folder, 'scanned');
  for (let file = 0; file < FILES; file++)
    writeModel(join(root, `${file % FOLDERS}/lora-${file}.safetensors`), loraShapes());
  const db = openDatabase(join(folder, 'library.db'));
  migrate(db);
  const [id] = addFolders(db, root, 'plain', 0);
  const scan = () => cpuSecondsOf(() => scanFolder(db, id!, root));
  const [first, again] = [await scan(), await scan()];
  const known = db.value<number>("SELECT count(*) FROM models WHERE type = 'lora' AND base = 'sd15'");
  if (known !== FILES) throw new Error(`${known} of ${FILES} files were recognised`);
  db.close();
  return [
    {
      what: `scan of ${FILES} new model files`,
      value: FILES / first,
      unit: 'files/s',
      goal: { atLeast: 500 },
    },
    { what: `scan of the same ${FILES}, unchanged`, value: FILES / again, unit: 'files/s' },
  ];
}

function loraShapes(): Record<string, readonly number[]> {
  const shapes: Record<string, readonly number[]> = {};
  for (let layer = 0; layer < LAYERS; layer++) {
    const name = `lora_unet_down_blocks_${layer}_attentions_0_transformer_blocks_0_attn2_to_k`;
    shapes[`${name}.lora_down.weight`] = [1, 768];
    shapes[`${name}.lora_up.weight`] = [1, 1];
    shapes[`${name}.alpha`] = [];
  }
  return shapes;
}
