/** SD 1.5 on the device that `--device` names, written for it as the engine does: precision and attention by its probe. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { sessionChooser } from '../../main/engine/devices/chooser.ts';
import { residentFeeds } from '../../main/engine/runtime/resident.ts';
import { createSession, type SessionOptions } from '../../main/engine/runtime/sessions.ts';
import { openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import type { Graph } from '../../native-models/graph/build.ts';
import { unetFeeds } from './networks.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { medianSeconds, secondsOf, waveTensor } from './timing.ts';

/** Probe, load, first run (kernels are compiled) and speed of the U-Net and the VAE decoder. */
export async function deviceRows({
  checkpoint,
  device = 'auto',
  sides,
  folder,
}: BenchContext): Promise<BenchRow[]> {
  const settings = { memory: 'normal', device, cacheDir: folder, threads: 0, previews: false } as const;
  let session: SessionOptions | undefined;
  const probe = await secondsOf(async () => {
    session = await sessionChooser(() => undefined)(settings);
  });
  const { target, device: name } = session!;
  const label = `${name}, ${target.precision ?? 'float32'}${target.fusedAttention ? ', fused attention' : ''}`;
  const { graphs, config } = openCheckpoint(checkpoint, target);
  const feeds = unetFeeds({ config }, name);
  const latent = (side: number): Record<string, Tensor> => ({
    latent: waveTensor(1, config.vae.embedDim, side / 8, side / 8),
  });
  return [
    { what: `${label}: probe`, value: probe, unit: 's' },
    ...(await networkRows(`${label}: U-Net`, graphs.unet, feeds, session!, sides)),
    ...(await networkRows(`${label}: VAE decoder`, graphs.vaeDecoder, latent, session!, sides)),
  ];
}

async function networkRows(
  name: string,
  graph: () => Graph,
  feeds: (side: number) => Record<string, Tensor>,
  options: SessionOptions,
  sides: readonly number[],
): Promise<BenchRow[]> {
  let session: InferenceSession | undefined;
  const load = await secondsOf(async () => {
    session = await createSession(graph(), options);
  });
  const resident = residentFeeds(options);
  const rows: BenchRow[] = [{ what: `${name}: session made`, value: load, unit: 's' }];
  for (const side of sides) {
    const given = await resident.of(feeds(side));
    const first = await secondsOf(() => session!.run(given));
    const seconds = await medianSeconds(() => session!.run(given));
    rows.push(
      { what: `${name}: ${side}², first run`, value: first, unit: 's' },
      { what: `${name}: ${side}²`, value: seconds, unit: 's' },
      { what: `${name}: ${side}²`, value: 1 / seconds, unit: 'it/s' },
    );
  }
  await resident.release();
  await session!.release();
  return rows;
}
