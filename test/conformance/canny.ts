/** Conformance of the Canny edge detector and of PNG decoding (golden case canny). */
import { join } from 'node:path';
import { decodePixels } from '../../main/images/codec.ts';
import { canny as findEdges } from '../../main/images/hints/canny.ts';
import { readTensorBytes, type WeightsFile } from '../../native-models/weights/safetensors.ts';
import { openTensors, readCase, shapeOf } from './caseFolder.ts';
import { type Check, checkEqual } from './check.ts';

interface CannyCase {
  readonly runs: readonly {
    readonly tensor: string;
    readonly image: string;
    readonly input: 'rgb' | 'gray';
    readonly low: number;
    readonly high: number;
    readonly L2gradient: boolean;
  }[];
}

export async function* canny(caseDir: string): AsyncIterable<Check> {
  const { runs } = readCase<CannyCase>(caseDir);
  const golden = openTensors(caseDir, 'io.safetensors');
  for (const image of new Set(runs.map((run) => run.image))) yield* pictureChecks(caseDir, golden, image);
  for (const { tensor, image, input, low, high, L2gradient } of runs) {
    const source = `${image}.${input}`;
    const [height, width, channels] = shapeOf(golden, source);
    const edges = findEdges(readTensorBytes(golden, source), width!, height!, channels === 3 ? 3 : 1, {
      low,
      high,
      l2: L2gradient,
    });
    yield checkEqual(tensor, edges, readTensorBytes(golden, tensor));
  }
}

/** The PNG beside the tensors must decode to the very bytes that the edges were found in. */
async function* pictureChecks(caseDir: string, golden: WeightsFile, image: string): AsyncIterable<Check> {
  const { data } = await decodePixels(join(caseDir, `${image}.png`), { channels: 3 });
  yield checkEqual(`${image}.png`, data, readTensorBytes(golden, `${image}.rgb`));
}
