import { expect, test } from 'vitest';
import { bindLora } from '../../native-models/lora/bind.ts';
import { loraSites } from '../../native-models/lora/sites.ts';
import { SD15, SDXL } from '../../native-models/models/configs.ts';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { writeModel } from '../helpers/modelFiles.ts';
import { namesAndShapes, temporaryFolder } from '../helpers/weightFiles.ts';

const SITES = loraSites(SD15);
const MODULE = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k';
const PAIR = { [`${MODULE}.lora_down.weight`]: [8, 768], [`${MODULE}.lora_up.weight`]: [320, 8] };

test('a pair finds its layer; without an alpha it counts as it is', () => {
  const bound = bindLora(namesAndShapes(PAIR), SITES, 'sd15');
  expect(bound).toMatchObject({ applied: 1, total: 1, left: [], merged: [] });
  expect(bound.live[0]).toMatchObject({
    site: { network: 'unet', path: 'input_blocks.1.1.transformer_blocks.0.attn2.to_k' },
    rank: 8,
    alpha: 8,
  });
});

test('alphas are read from scalars of any type, and from peft settings in the metadata', () => {
  const path = `${temporaryFolder()}/lora.safetensors`;
  writeModel(path, { ...PAIR, [`${MODULE}.alpha`]: [] }, {}, 0x3c); // F16 0x3c3c = 1.0586
  expect(bindLora(openSafetensors(path), SITES, 'sd15').live[0]!.alpha).toBeCloseTo(1.0586, 3);
  const peft = {
    'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight': [8, 768],
    'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_B.weight': [320, 8],
  };
  const settings = { lora_adapter_metadata: JSON.stringify({ 'unet.lora_alpha': 4, 'unet.r': 8 }) };
  expect(bindLora(namesAndShapes(peft, settings), SITES, 'sd15').live[0]!.alpha).toBe(4);
  const stabilised = JSON.stringify({ 'unet.lora_alpha': 4, 'unet.use_rslora': true });
  const { live } = bindLora(namesAndShapes(peft, { lora_adapter_metadata: stabilised }), SITES, 'sd15');
  expect(live[0]!.alpha).toBeCloseTo(4 * Math.sqrt(8), 6); // over rank 8: 4/√8
});

test('another base is refused with the reason', () => {
  const sd2 = { [`${MODULE}.lora_down.weight`]: [8, 1024], [`${MODULE}.lora_up.weight`]: [320, 8] };
  expect(() => bindLora(namesAndShapes(sd2), SITES, 'sd15')).toThrow(
    'the model is Stable Diffusion 1.x, this LoRA is for Stable Diffusion 2.x',
  );
  expect(() => bindLora(namesAndShapes(PAIR), loraSites(SDXL), 'sdxl')).toThrow(
    'the model is SDXL, this LoRA is for Stable Diffusion 1.x',
  );
});

test('shapes that do not fit are named even where nothing tells the base', () => {
  const module = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q';
  const file = namesAndShapes({
    [`${module}.lora_down.weight`]: [8, 640],
    [`${module}.lora_up.weight`]: [320, 8],
  });
  expect(() => bindLora(file, SITES, 'sd15')).toThrow(/lora_down.weight" is 8×640, but .* needs 8×320/);
});

test('layers that the model lacks are counted and named, not refused', () => {
  const stranger = 'lora_unet_down_blocks_9_attentions_0_proj_in';
  const bound = bindLora(
    namesAndShapes({ ...PAIR, [`${stranger}.lora_down.weight`]: [8, 8], 'something.oft_blocks': [2, 4, 4] }),
    SITES,
    'sd15',
  );
  expect(bound).toMatchObject({ applied: 1, total: 3, left: ['something.oft_blocks', stranger] });
});

test('what is no LoRA at all is refused', () => {
  expect(() => bindLora(namesAndShapes({ 'conv.weight': [3, 3] }), SITES, 'sd15')).toThrow(
    'this is not a LoRA',
  );
});

test('LoHa, LoKr, DoRA and whole differences are for merging', () => {
  const file = namesAndShapes({
    [`${MODULE}.hada_w1_a`]: [320, 4],
    [`${MODULE}.hada_w1_b`]: [4, 768],
    [`${MODULE}.hada_w2_a`]: [320, 4],
    [`${MODULE}.hada_w2_b`]: [4, 768],
    'lora_unet_down_blocks_0_resnets_0_norm1.w_norm': [320],
    'lora_unet_down_blocks_0_resnets_0_norm1.b_norm': [320],
  });
  const bound = bindLora(file, SITES, 'sd15');
  expect(bound.live).toEqual([]);
  expect(bound.merged.map(({ site }) => site.path)).toEqual([
    'input_blocks.1.1.transformer_blocks.0.attn2.to_k',
    'input_blocks.1.0.in_layers.0',
  ]);
});
