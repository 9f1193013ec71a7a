/** An enlargement as ComfyUI's API graph: picture, upscaler, and the size asked for where it is not the upscaler's own. */
import type { UpscaleRequest } from '../../../preload/request.ts';
import type { Size } from './exportGraph.ts';
import { scaled } from './exportImages.ts';
import type { ComfyGraph } from './graph.ts';
import { graphBuilder, imageFile, modelFile } from './graphBuilder.ts';

/** Side of a tile that is not worth saying: the schema's and the node's own. */
const USUAL_TILE = 256;

/** `size`: of the enlarged picture; the upscaler's own scale is left as it is without it. */
export function upscaleGraph({ image, upscaler, scale, tile }: UpscaleRequest, size?: Size): ComfyGraph {
  const graph = graphBuilder();
  const source = graph.add('LoadImage', { image: imageFile(image) }, { sha256: image.sha256 });
  const model = graph.add(
    'UpscaleModelLoader',
    { model_name: modelFile(upscaler) },
    { sha256: upscaler.sha256 },
  );
  const enlarged = graph.add(
    'ImageUpscaleWithModel',
    { upscale_model: model(0), image: source(0) },
    { tile: tile === USUAL_TILE ? undefined : tile },
  )(0);
  const images =
    scale === undefined || size === undefined ? enlarged : scaled(graph, enlarged, size.width, size.height);
  graph.add('SaveImage', { images, filename_prefix: 'Emulsion' });
  return graph.finish();
}
