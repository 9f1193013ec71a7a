/** Both CLIP towers in use, over live parameters. */
import { input } from '../../../../native-models/graph/value.ts';
import type { ParameterSet } from '../../parameters.ts';
import { type LiveModel, liveModel } from '../loop/model.ts';
import { PICTURE_SIZE, STARTER_TEXT, STARTER_VISION } from '../models.ts';
import { imageTower, textTower } from './clipLoss.ts';

/** Both towers over live parameters, any batch. */
export interface Towers {
  readonly image: LiveModel;
  readonly text: LiveModel;
}

/** Opens both; release each when done. `threads` 0 = one per core. */
export async function liveTowers(pair: ParameterSet, threads = 0): Promise<Towers> {
  const image = input('image', 'float32', ['batch', 3, PICTURE_SIZE, PICTURE_SIZE]);
  const tokenIds = input('tokenIds', 'int64', ['batch', STARTER_TEXT.contextLength]);
  return {
    image: await liveModel(
      pair,
      (scope) => ({ embedding: imageTower(scope, STARTER_VISION, image) }),
      threads,
    ),
    text: await liveModel(
      pair,
      (scope) => ({ embedding: textTower(scope, STARTER_TEXT, tokenIds) }),
      threads,
    ),
  };
}
