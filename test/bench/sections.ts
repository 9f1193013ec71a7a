/** The sections of the benchmark by name; each runs in a process of its own, so that its memory is its own too. */
import { loraSwitchRows, stepCostRows, upscaleRows } from './attachments.ts';
import { deviceRows } from './device.ts';
import { firstPictureRows } from './firstPicture.ts';
import { historyRows, meaningRows } from './history.ts';
import { integerLayerRows, integerNetworkRows, integerPictureRows } from './integers.ts';
import { loadingRows } from './loading.ts';
import { previewRows } from './loop.ts';
import { textEncoderRows, tiledDecoderRows, unetRows, vaeDecoderRows } from './networks.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { scanRows } from './scan.ts';
import { shortcutPictureRows, shortcutStepRows } from './shortcuts.ts';
import { trainingRows } from './training.ts';

export const SECTIONS: Readonly<Record<string, (context: BenchContext) => Promise<BenchRow[]>>> = {
  'unet-normal': (context) => unetRows(context, 'normal'),
  'unet-cached': (context) => unetRows(context, 'cached'),
  'unet-low': (context) => unetRows(context, 'low'),
  'vae-decoder': vaeDecoderRows,
  'vae-tiled': tiledDecoderRows,
  'text-encoder': textEncoderRows,
  'first-picture': firstPictureRows,
  'lora-switch': loraSwitchRows,
  'step-cost': stepCostRows,
  upscaling: upscaleRows,
  loading: loadingRows,
  previews: previewRows,
  'shortcut-pictures': shortcutPictureRows,
  'shortcut-steps': shortcutStepRows,
  'integer-layers': integerLayerRows,
  'integer-networks': integerNetworkRows,
  'integer-pictures': integerPictureRows,
  training: trainingRows,
  scan: scanRows,
  history: historyRows,
  meaning: meaningRows,
  device: deviceRows,
};
