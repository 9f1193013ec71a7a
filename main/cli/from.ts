/** `--from PICTURE`: the request that a picture carries, completed with files of this machine. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { type GenerationRequest, generationRequestSchema } from '../../preload/request.ts';
import { badInput } from '../engine/border/failures.ts';
import { readImageMetadata } from '../images/metadata/read.ts';
import { OWN_KEYWORD } from '../images/metadata/write.ts';
import { starterCheckpoint } from './starter.ts';

export interface RepeatedRequest {
  readonly request: GenerationRequest;
  /** Which picture of its batch it was; a batch is computed whole, so that the result is the same to the bit. */
  readonly batchIndex?: number;
}

/** Throws a bad-input error that says what the picture lacks. */
export async function repeatedRequest(
  picture: string,
  checkpoint: string | undefined,
): Promise<RepeatedRequest> {
  const metadata = await readImageMetadata(picture);
  if (!metadata.source)
    throw badInput(
      `${basename(picture)}: nothing in it says how it was made.`,
      'Give the settings as options instead.',
    );
  const model = { ...metadata.request.checkpoint, ...located(checkpoint, metadata.request.checkpoint) };
  const parsed = generationRequestSchema.safeParse({ seed: '0', ...metadata.request, checkpoint: model });
  if (!parsed.success) {
    const missing = metadata.missing.join(', ') || parsed.error.issues[0]!.path.join('.');
    throw badInput(
      `${basename(picture)}: its settings are incomplete (${missing}).`,
      'Give the settings as options instead.',
    );
  }
  const batchIndex = batchIndexOf(metadata.raw[OWN_KEYWORD]);
  return { request: parsed.data, ...(batchIndex !== undefined && { batchIndex }) };
}

/** The file given, else where the picture says it was, else the starter when it bears the starter's name. */
function located(
  given: string | undefined,
  known: { name: string; path?: string | undefined } | undefined,
): { name: string; path: string } {
  if (given) return { name: basename(given), path: given };
  if (known?.path && existsSync(known.path)) return { name: known.name, path: known.path };
  const starter = starterCheckpoint();
  if (known === undefined || basename(starter.path).startsWith(known.name.replace(/\.safetensors$/, ''))) {
    return { name: basename(starter.path), path: starter.path };
  }
  throw badInput(
    `The picture was made with "${known.name}", which is not where it was.`,
    'Name its file with --checkpoint FILE.',
  );
}

function batchIndexOf(own: string | undefined): number | undefined {
  if (own === undefined) return undefined;
  const { batchIndex } = JSON.parse(own) as { batchIndex?: unknown };
  return typeof batchIndex === 'number' ? batchIndex : undefined;
}
