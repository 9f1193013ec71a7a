/** The port to one text encoder: token ids in, embeddings out. SD 1 and 2 have one, SDXL has two. */
import type { ClipTextConfig } from '../../../native-models/models/configs.ts';
import type { TextEncoding, TextInput } from '../model.ts';

export interface TextModel {
  readonly config: ClipTextConfig;
  /** Embedding [N, contextLength, width] and, where there is one, pooled [N, P]. */
  encode(input: TextInput): Promise<TextEncoding>;
}
