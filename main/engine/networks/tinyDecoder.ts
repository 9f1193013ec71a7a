/** Previews by TAESD: opened when the first is wanted, kept while the same file is wanted. */
import { compileTaesdDecoder } from '../../../native-models/compile.ts';
import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import { canonicalTensors } from '../../../native-models/weights/keys.ts';
import { openWeights } from '../../../native-models/weights/open.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import { WeightsError } from '../../../native-models/weights/tensors.ts';
import { fromTensor, type Pixels } from '../../images/pixels.ts';
import { partOfRows } from '../../pipeline/evaluation.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import type { RawImage } from '../border/protocol.ts';
import { createSession, type SessionOptions } from '../runtime/sessions.ts';
import { sessionsOnDemand } from '../runtime/sessionsOnDemand.ts';
import { runOne, toOrt } from '../runtime/tensors.ts';
import { previewOf } from './preview.ts';

/** A TAESD decoder, loaded with the first picture. */
export interface TinyDecoder {
  /** The first picture of a latent [B, 4, h, w] × scalingFactor, at full size. */
  decode(latent: Tensor): Promise<Pixels>;
  release(): Promise<void>;
}

/** Reads the header only; weights are read for the first preview. Throws WeightsError when the file is no TAESD decoder. */
export function openTinyDecoder(path: string, options: SessionOptions): TinyDecoder {
  const tensors = canonicalTensors(openWeights(path), 'taesd');
  const [width, latentChannels] = tensors.get('decoder.1.weight')?.shape ?? [];
  if (width === undefined || latentChannels === undefined)
    throw new WeightsError(path, 'this is no TAESD decoder', 'Choose taesd_decoder or taesdxl_decoder');
  const graph = compileTaesdDecoder(fileParameters(path, tensors), { width, latentChannels }, options.target);
  const sessions = sessionsOnDemand(() => createSession(graph, options));
  return {
    decode: async (latent) => {
      const image = await runOne(
        await sessions.get('decoder'),
        { latent: toOrt(partOfRows(latent, 0, latent.shape[0]!)) },
        'image',
      );
      return fromTensor(image, 'unit')[0]!;
    },
    release: sessions.release,
  };
}

/** What previews are made of: the checkpoint and how its other networks are opened. */
interface Previewed {
  readonly config: CheckpointConfig;
  readonly session: SessionOptions;
}

/** Small pictures of unfinished latents. */
export interface Previews {
  /** By the tiny decoder at `path`, or by the latent→RGB matrix. */
  of(latent: Tensor, loaded: Previewed, path: string | undefined): Promise<RawImage>;
  release(): Promise<void>;
}

/** Keeps the tiny decoder of the last preview open. */
export function createPreviews(): Previews {
  let tiny: { path: string; decoder: TinyDecoder } | undefined;
  const release = async (): Promise<void> => {
    await tiny?.decoder.release();
    tiny = undefined;
  };
  const of: Previews['of'] = async (latent, { config, session }, path) => {
    if (path === undefined) return previewOf(latent, config);
    if (tiny?.path !== path) {
      await release();
      tiny = { path, decoder: openTinyDecoder(path, session) };
    }
    return tiny.decoder.decode(latent);
  };
  return { of, release };
}
