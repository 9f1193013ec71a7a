import { expect, test } from 'vitest';
import { createParameters } from '../../../../main/training/parameters.ts';
import { initialise } from '../../../../main/training/starter/loop/initialise.ts';
import { createStep } from '../../../../main/training/starter/loop/step.ts';
import { STARTER_VAE } from '../../../../main/training/starter/models.ts';
import { decoderLoss, VAE_START } from '../../../../main/training/starter/vae/vaeLoss.ts';
import { liveDecoder } from '../../../../main/training/starter/vae/vaeModel.ts';
import { vaeParameters } from '../../../../native-models/models/parameters.ts';

test('for PSNR the loss is the mean over pictures of ln MSE, so that each counts alike', async () => {
  const vae = initialise(vaeParameters(STARTER_VAE), VAE_START, 1);
  const decoder = createParameters(
    new Map([...vae.shapes].filter(([name]) => /^(decoder|post_quant_conv)\./.test(name))),
  );
  for (const [name, values] of decoder.views) values.set(vae.views.get(name)!);
  const latent = Float32Array.from({ length: 2 * 4 * 16 * 16 }, (_, i) => Math.sin(i / 7));
  const size = 3 * 128 * 128;
  const image = Float32Array.from({ length: 2 * size }, (_, i) => (i < size ? 0.9 : 0.1) * Math.cos(i / 333));
  const step = await createStep(
    (scope) => decoderLoss(scope, STARTER_VAE, { batch: 2, size: 128, target: 'psnr' }),
    { parameters: decoder, threads: 1 },
  );
  const loss = await step.run({ image, latent });
  const live = await liveDecoder(vae, 2, 1);
  const { picture } = await live.run({ latent: { values: latent, shape: [2, 4, 16, 16] } });
  const squares = [0, 1].map((item) =>
    image
      .subarray(item * size, (item + 1) * size)
      .reduce((sum, value, i) => sum + (value - picture![item * size + i]!) ** 2 / size, 0),
  );
  expect(loss).toBeCloseTo((Math.log(squares[0]!) + Math.log(squares[1]!)) / 2, 3);
  await Promise.all([step.release(), live.release()]);
});
