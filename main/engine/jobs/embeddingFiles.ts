/** Textual-inversion files as the prompts' embeddings. */
import { openWeights } from '../../../native-models/weights/open.ts';
import { isFloat, readTensorFloat32, WeightsError } from '../../../native-models/weights/tensors.ts';
import type { GenerationRequest } from '../../../preload/request.ts';
import { sizeOf, tensor } from '../../pipeline/tensor.ts';
import type { Embedding } from '../../pipeline/text/embeddings.ts';
import { fileOf } from './requestFiles.ts';

const EXTENSION = /\.(safetensors|pt|pth|bin|ckpt)$/i;
/** An embedding has a few vectors; what is larger is another kind of file. */
const MAX_NUMBERS = 2 ** 22;

/** Reads the request's embeddings. Throws WeightsError for a file that holds none. */
export function readEmbeddings({ embeddings }: Pick<GenerationRequest, 'embeddings'>): Embedding[] {
  return embeddings.map((ref) => {
    const path = fileOf(ref, 'embedding');
    const vectors = [...openWeights(path).tensors.values()].filter(
      ({ dtype, shape }) =>
        isFloat(dtype) && shape.length >= 1 && shape.length <= 2 && sizeOf(shape) <= MAX_NUMBERS,
    );
    if (vectors.length === 0)
      throw new WeightsError(
        path,
        'this is no textual inversion',
        'Choose an embedding (.safetensors or .pt)',
      );
    const tensors = new Map(vectors.map((info) => [info.name, tensor(readTensorFloat32(info), info.shape)]));
    return { name: ref.name.replace(EXTENSION, ''), tensors };
  });
}
