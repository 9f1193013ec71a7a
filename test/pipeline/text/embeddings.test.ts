import { describe, expect, test } from 'vitest';
import { type Tensor, tensor } from '../../../main/pipeline/tensor.ts';
import { type Embedding, embeddingRows, embeddingTable } from '../../../main/pipeline/text/embeddings.ts';
import {
  CLIP_L,
  type ClipTextConfig,
  OPEN_CLIP_BIG_G,
  OPEN_CLIP_H,
} from '../../../native-models/models/configs.ts';

const TINY: ClipTextConfig = { ...CLIP_L, width: 2 };
const TINY_G: ClipTextConfig = { ...OPEN_CLIP_BIG_G, width: 3 };

function embedding(name: string, tensors: Readonly<Record<string, Tensor>>): Embedding {
  return { name, tensors: new Map(Object.entries(tensors)) };
}

function matrix(rows: number, width: number, first = 0): Tensor {
  return tensor(
    Float32Array.from({ length: rows * width }, (_, i) => first + i),
    [rows, width],
  );
}

describe('embeddingRows', () => {
  test('reads one vector as one row', () => {
    const diffusers = embedding('x', { '<x>': tensor(Float32Array.of(1, 2), [2]) });
    expect(embeddingRows(diffusers, TINY)).toEqual({ data: Float32Array.of(1, 2), shape: [1, 2] });
  });

  test("takes each encoder's own vectors from an SDXL file", () => {
    const sdxl = embedding('x', { clip_g: matrix(2, 3), clip_l: matrix(2, 2) });
    expect(embeddingRows(sdxl, TINY)?.shape).toEqual([2, 2]);
    expect(embeddingRows(sdxl, TINY_G)?.shape).toEqual([2, 3]);
    expect(embeddingRows(sdxl, OPEN_CLIP_H)).toBeUndefined();
    expect(embeddingRows(embedding('g', { clip_g: matrix(1, 2) }), TINY)).toBeUndefined();
  });

  test('passes over tensors of another width or rank', () => {
    const file = embedding('x', {
      step: matrix(1, 1),
      odd: tensor(new Float32Array(4), [1, 2, 2]),
      emb: matrix(3, 2),
    });
    expect(embeddingRows(file, TINY)?.shape).toEqual([3, 2]);
  });
});

describe('embeddingTable', () => {
  const files = [
    embedding('one', { emb_params: matrix(2, 2, 10) }),
    embedding('two', { emb_params: matrix(1, 2, 20) }),
    embedding('wide', { emb_params: matrix(1, 5) }),
  ];

  test('holds the rows of the embeddings that the prompt names', () => {
    const table = embeddingTable(files, TINY, 'a TWO, one');
    expect(table.names).toEqual([
      { name: 'one', tokenIds: [49408, 49409] },
      { name: 'two', tokenIds: [49410] },
    ]);
    expect(table.rows).toEqual({ data: Float32Array.of(10, 11, 12, 13, 20, 21), shape: [3, 2] });
    expect(table.problems).toEqual([]);
  });

  test('is empty when none is named', () => {
    expect(embeddingTable(files, TINY, 'a cat')).toEqual({ names: [], problems: [] });
  });

  test('reports one of the wrong width', () => {
    const { names, problems, rows } = embeddingTable(files, TINY, 'wide');
    expect(names).toEqual([{ name: 'wide', tokenIds: [] }]);
    expect(problems).toEqual([expect.stringMatching(/wide.*5 wide.*needs 2/)]);
    expect(rows).toBeUndefined();
  });
});
