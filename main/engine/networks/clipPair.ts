/** CLIP's two towers from one file: pictures and texts become unit vectors of one space. */
import { compileClipText, compileClipVision } from '../../../native-models/compile.ts';
import { inferClipText } from '../../../native-models/inspect/architecture.ts';
import { clipVisionConfig, textEncoderConfigs } from '../../../native-models/inspect/config.ts';
import type { ClipTextConfig, ClipVisionConfig } from '../../../native-models/models/configs.ts';
import { type CanonicalTensors, canonicalTensors } from '../../../native-models/weights/keys.ts';
import { openWeights } from '../../../native-models/weights/open.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import { WeightsError, type WeightsFile } from '../../../native-models/weights/tensors.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { packChunk } from '../../pipeline/text/chunks.ts';
import { tokenize } from '../../pipeline/text/tokenize.ts';
import { createSession, type SessionOptions } from '../runtime/sessions.ts';
import { sessionsOnDemand } from '../runtime/sessionsOnDemand.ts';
import { runOne, toOrt } from '../runtime/tensors.ts';
import { textModel } from './textModel.ts';

/** A pair ready to embed; each tower is loaded when it is first asked. */
export interface ClipPair {
  /** Side of the square pictures that `embedImages` takes. */
  readonly imageSize: number;
  /** [N, 3, imageSize, imageSize], normalised by CLIP's mean and deviation → N unit vectors. */
  embedImages(pictures: Tensor): Promise<Float32Array[]>;
  /** Tokens beyond the encoder's context are left out, as in CLIP itself. Gives a unit vector. */
  embedText(text: string): Promise<Float32Array>;
  release(): Promise<void>;
}

/** OpenAI's text towers are up to 768 wide (its conventions are SD 1's), OpenCLIP's large ones wider (SD 2's). */
const OPENAI_WIDTH = 768;

/** Reads headers only. Throws WeightsError where the file has no pair of towers into one space. */
export function openClipPair(path: string, options: SessionOptions): ClipPair {
  const file = openWeights(path);
  const vision = clipVisionConfig(file);
  const text = textTower(file);
  requireSharedSpace(path, vision, text.config);
  const towers = {
    vision: () =>
      compileClipVision(fileParameters(path, canonicalTensors(file, 'clipVision')), vision, options.target),
    text: () => compileClipText(fileParameters(path, text.tensors), text.config, options.target).graph,
  } as const;
  const sessions = sessionsOnDemand((name: keyof typeof towers) => createSession(towers[name](), options));
  const model = textModel(text.config, () => sessions.get('text'));
  return {
    imageSize: vision.imageSize,
    embedImages: async (pictures) =>
      unitRows(await runOne(await sessions.get('vision'), { image: toOrt(pictures) }, 'embedding')),
    embedText: async (words) => {
      const tokenIds = textTokens(words, text.config);
      const { pooled } = await model.encode({ tokenIds, clipSkip: 1 });
      return unitRows(pooled!)[0]!;
    },
    release: sessions.release,
  };
}

interface TextTower {
  readonly config: ClipTextConfig;
  readonly tensors: CanonicalTensors;
}

/** A checkpoint with an image tower keeps the text projection beside that tower, not in the encoder it paints with. */
function textTower(file: WeightsFile): TextTower {
  const own = canonicalTensors(file, 'clipL');
  const isOpenAi = (own.get('embeddings.token_embedding.weight')?.shape[1] ?? Infinity) <= OPENAI_WIDTH;
  const tensors = new Map(isOpenAi ? own : canonicalTensors(file, 'openClip'));
  for (const [name, info] of file.tensors) {
    const [projection] = /(?<=^|\.)text_projection(\.weight)?$/.exec(name) ?? [];
    if (projection !== undefined && !tensors.has(projection)) tensors.set(projection, info);
  }
  const [stated] = textEncoderConfigs(file, isOpenAi ? 'sd15' : 'sd21');
  return { tensors, config: inferClipText(tensors, file.path, stated!) };
}

function requireSharedSpace(path: string, vision: ClipVisionConfig, text: ClipTextConfig): void {
  const [pictures, texts] = [vision, text].map(({ projection, width }) => projection?.width ?? width);
  if (pictures === texts) return;
  throw new WeightsError(
    path,
    `its pictures become ${pictures} numbers and its texts ${texts}, so they cannot be compared`,
    'Use a complete CLIP model, with text_projection and visual_projection',
  );
}

function textTokens(text: string, config: ClipTextConfig): Int32Array<ArrayBuffer> {
  const kept = tokenize(text).slice(0, config.contextLength - 2);
  return packChunk(
    kept.map((id) => ({ id, word: '', weight: 1 })),
    config,
  ).tokenIds;
}

/** [N, D] → N vectors of length 1. */
function unitRows({ data, shape }: Tensor): Float32Array[] {
  const [rows, width] = shape as [number, number];
  return Array.from({ length: rows }, (_, row) => {
    const vector = data.slice(row * width, (row + 1) * width);
    const norm = Math.hypot(...vector);
    return vector.map((value) => value / norm);
  });
}
