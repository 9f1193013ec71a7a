/** A text encoder's session as the pipeline's port. */
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { ClipTextConfig } from '../../../native-models/models/configs.ts';
import type { TextInput } from '../../pipeline/model.ts';
import type { TextModel } from '../../pipeline/text/textModel.ts';
import { type Feeds, fromOrt } from '../runtime/tensors.ts';

/** `extraFeeds` are the LoRA matrices of the moment. */
export function textModel(
  config: ClipTextConfig,
  session: () => Promise<InferenceSession>,
  extraFeeds: () => Feeds = () => ({}),
): TextModel {
  const encode: TextModel['encode'] = async (input) => {
    const embedding = `embedding.${Math.min(input.clipSkip, config.layers)}`;
    const opened = await session();
    const outputs = await opened.run({ ...tokenFeeds(input, config), ...extraFeeds() }, [
      embedding,
      'pooled',
    ]);
    return { embedding: fromOrt(outputs[embedding]), pooled: fromOrt(outputs['pooled']) };
  };
  return { config, encode };
}

/** Inserted vectors take the ids behind the vocabulary, one each; without any, a row of zeros fills the input. */
function tokenFeeds(
  { tokenIds, insertions = [] }: TextInput,
  config: ClipTextConfig,
): Record<string, OrtTensor> {
  const { vocabSize, contextLength, width } = config;
  const ids = BigInt64Array.from(tokenIds, BigInt);
  const rows = new Float32Array(Math.max(1, insertions.length) * width);
  for (const [row, { chunk, position, vector }] of insertions.entries()) {
    ids[chunk * contextLength + position] = BigInt(vocabSize + row);
    rows.set(vector, row * width);
  }
  return {
    tokenIds: new OrtTensor('int64', ids, [ids.length / contextLength, contextLength]),
    extraEmbeddings: new OrtTensor('float32', rows, [rows.length / width, width]),
  };
}
