/** The text encoder of the checkpoint that several cases share, run by the engine's own sessions. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { createSession } from '../../main/engine/sessions.ts';
import type { TextEncoding, TextInput } from '../../main/pipeline/model.ts';
import type { Tensor } from '../../main/pipeline/tensor.ts';
import type { TextModel } from '../../main/pipeline/text/textModel.ts';
import { compileClipText } from '../../native-models/compile.ts';
import { CLIP_L, type ClipTextConfig } from '../../native-models/models/configs.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { fileParameters } from '../../native-models/weights/source.ts';

/** Hugging Face's CLIPTextConfig, the part in which the shared checkpoints differ from CLIP-L. */
interface SharedClip {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly hidden_act: string;
}

/** The text encoders of a checkpoint, and what frees them. */
export interface OpenTextModels {
  readonly models: readonly TextModel[];
  release(): Promise<void>;
}

/** Opens an SD 1.x `checkpoint` whose sizes stand in shared.json beside it. */
export async function openSharedTextModel(checkpoint: string): Promise<OpenTextModels> {
  const shared = JSON.parse(readFileSync(join(dirname(checkpoint), 'shared.json'), 'utf8')) as {
    config: { clip: SharedClip };
  };
  const config = clipConfig(shared.config.clip);
  const source = fileParameters(checkpoint, canonicalTensors(openSafetensors(checkpoint), 'clipL'));
  const { graph } = compileClipText(source, config, { flavour: 'cpu' });
  const session = await createSession(graph);
  const encode = async (input: TextInput): Promise<TextEncoding> => {
    const embedding = `embedding.${input.clipSkip}`;
    const outputs = await session.run(feedsOf(input, config), [embedding, 'pooled']);
    return { embedding: fromOrt(outputs[embedding]), pooled: fromOrt(outputs['pooled']) };
  };
  return { models: [{ config, encode }], release: () => session.release() };
}

function clipConfig(clip: SharedClip): ClipTextConfig {
  return {
    ...CLIP_L,
    width: clip.hidden_size,
    layers: clip.num_hidden_layers,
    heads: clip.num_attention_heads,
    mlpWidth: clip.intermediate_size,
    vocabSize: clip.vocab_size,
    contextLength: clip.max_position_embeddings,
    activation: clip.hidden_act === 'quick_gelu' ? 'quick_gelu' : 'gelu',
  };
}

/** Insertions take the ids behind the vocabulary, one each; without any a row of zeros fills the input. */
function feedsOf(
  { tokenIds, insertions = [] }: TextInput,
  config: ClipTextConfig,
): Record<string, OrtTensor> {
  const ids = BigInt64Array.from(tokenIds, BigInt);
  const rows = new Float32Array(Math.max(1, insertions.length) * config.width);
  for (const [row, { chunk, position, vector }] of insertions.entries()) {
    ids[chunk * config.contextLength + position] = BigInt(config.vocabSize + row);
    rows.set(vector, row * config.width);
  }
  return {
    tokenIds: new OrtTensor('int64', ids, [ids.length / config.contextLength, config.contextLength]),
    extraEmbeddings: new OrtTensor('float32', rows, [rows.length / config.width, config.width]),
  };
}

function fromOrt(value: OrtTensor | undefined): Tensor {
  if (!(value?.data instanceof Float32Array)) throw new Error('the session gave no float32 output');
  return { data: value.data as Float32Array<ArrayBuffer>, shape: value.dims };
}
