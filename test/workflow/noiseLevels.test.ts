import { expect, test } from 'vitest';
import { noiseLevels, trainedSigmas } from '../../main/workflow/sampling/noiseLevels.ts';
import { writeModel } from '../helpers/modelFiles.ts';
import { temporaryFolder } from '../helpers/weightFiles.ts';

test.each([
  [{}, 14.6],
  [{ ztsnr: [0] }, 4518.8],
])('KSampler begins at the largest sigma that the checkpoint was trained on: %j', (marker, sigmaMax) => {
  const checkpoint = `${temporaryFolder()}/model.safetensors`;
  writeModel(checkpoint, { 'model.weight': [1], ...marker });
  const options = {
    sampler: 'euler',
    schedule: 'karras',
    steps: 5,
    denoisingStrength: 1,
    startStep: 0,
    endStep: 5,
    leftoverNoise: false,
    endsAtSmallestSigma: false,
  } as const;
  const sigmas = noiseLevels(options, trainedSigmas({ checkpoint, loras: [] }));
  expect(sigmas[0]).toBeCloseTo(sigmaMax, 0);
  expect(sigmas).toHaveLength(6);
});
