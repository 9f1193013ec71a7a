/** Networks that do not compute again what they computed for an earlier job: texts and pictures they encoded. */
import type { TextInput } from '../../pipeline/model.ts';
import type { Networks } from '../networks/networks.ts';
import { contentKey, type Memo } from './memo.ts';

/** What results depend on besides their input: the weights, and how they are run. */
export interface Scope {
  /** Checkpoint and LoRAs with their weights in the text encoders. */
  readonly text: string;
  /** Checkpoint or VAE file, and the tile size. */
  readonly image: string;
}

/** The same networks, but what text and image encoders gave for the same input is taken from `memo`. */
export function remembering(networks: Networks, memo: Memo, scope: Scope): Networks {
  return {
    ...networks,
    textModels: networks.textModels.map((model, index) => ({
      ...model,
      encode: (input) => memo.of(textKey(scope, index, input), () => model.encode(input)),
    })),
    encodeImage: (pixels) =>
      memo.of(contentKey('image', scope.image, pixels.shape.join(), pixels.data), () =>
        networks.encodeImage(pixels),
      ),
  };
}

function textKey({ text }: Scope, index: number, { tokenIds, clipSkip, insertions = [] }: TextInput): string {
  const vectors = insertions.flatMap(({ chunk, position, vector }) => [chunk, position, vector]);
  return contentKey('text', text, index, clipSkip, tokenIds, ...vectors);
}
