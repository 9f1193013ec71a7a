import { expect, test } from 'vitest';
import { withTaggedLoras } from '../../../../main/pipeline/text/prompt/taggedLoras.ts';
import { tinyRequest } from '../../../helpers/tinyModel.ts';

test('tags join the request’s own LoRAs and leave the prompts', () => {
  const own = { model: { name: 'own' }, unetWeight: 1, textWeight: 1 };
  const request = tinyRequest({
    prompt: 'a cat <lora:woodcut:0.8> at night <lora:soft:0.3:0.6>',
    negativePrompt: 'blurry <lora:woodcut:1>',
    loras: [own],
  });
  expect(withTaggedLoras(request)).toMatchObject({
    prompt: 'a cat  at night ',
    negativePrompt: 'blurry ',
    loras: [
      own,
      { model: { name: 'woodcut' }, textWeight: 0.8, unetWeight: 0.8 },
      { model: { name: 'soft' }, textWeight: 0.3, unetWeight: 0.6 },
    ],
  });
});

test('a request without tags is the same request', () => {
  const request = tinyRequest();
  expect(withTaggedLoras(request)).toEqual(request);
});
