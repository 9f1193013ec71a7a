import { expect, test } from 'vitest';
import { compileClipText, compileUnet } from '../../native-models/compile.ts';
import { input } from '../../native-models/graph/value.ts';
import { isLinear } from '../../native-models/lora/adapter.ts';
import { loraSites } from '../../native-models/lora/sites.ts';
import { SD15, SD21, SDXL } from '../../native-models/models/configs.ts';

/** Weights that are never read: the graph is only looked at. */
const ANY = {
  has: () => true,
  get: (name: string, shape: readonly number[]) => input(name, 'float32', shape),
};
const SD15_SITES = loraSites(SD15);

test('every name of a layer leads to the same site', () => {
  const path = 'input_blocks.4.1.transformer_blocks.0.attn2.to_k';
  for (const name of [
    'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k',
    'lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k',
    'unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k',
    'down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k',
    'diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k',
  ])
    expect(SD15_SITES.get(name)).toEqual({ network: 'unet', path, shape: [640, 768] });
  expect(SD15_SITES.get('lora_unet_mid_block_resnets_1_conv2')?.path).toBe('middle_block.2.out_layers.3');
  expect(SD15_SITES.get('lora_unet_up_blocks_1_upsamplers_0_conv')?.path).toBe('output_blocks.5.2.conv');
});

test('text encoders: te is the only one, te1 and te2 are the two of SDXL', () => {
  const suffix = 'text_model_encoder_layers_3_self_attn_q_proj';
  const path = 'encoder.layers.3.self_attn.q_proj';
  expect(SD15_SITES.get(`lora_te_${suffix}`)).toMatchObject({ network: 'textEncoder.0', path });
  const sdxl = loraSites(SDXL);
  expect(sdxl.get(`lora_te1_${suffix}`)).toMatchObject({ network: 'textEncoder.0', shape: [768, 768] });
  expect(sdxl.get(`lora_te2_${suffix}`)).toMatchObject({ network: 'textEncoder.1', shape: [1280, 1280] });
  expect(sdxl.get(`lora_te_${suffix}`)).toBeUndefined();
  expect(sdxl.get('text_encoder_2.text_model.encoder.layers.31.mlp.fc1')).toMatchObject({
    shape: [5120, 1280],
  });
});

test.each([
  ['SD 1', SD15],
  ['SD 2', SD21],
  ['SDXL', SDXL],
] as const)(
  '%s: linear and convolution sites are exactly the layers that a graph has inputs for',
  (_, config) => {
    const sites = [...new Set(loraSites(config).values())];
    const expected = sites.filter(({ network, shape }) => network === 'unet' && shape.length > 1);
    const { targets } = compileUnet(ANY, config.unet, { flavour: 'cpu', lora: () => true });
    expect(targets.map(({ path }) => path).toSorted()).toEqual(expected.map(({ path }) => path).toSorted());
    const text = compileClipText(ANY, config.textEncoders[0]!, { flavour: 'cpu', lora: isLinear }).targets;
    const textSites = sites.filter(
      ({ network, path, shape }) =>
        network === 'textEncoder.0' && shape.length === 2 && !path.startsWith('embeddings.'),
    );
    expect(text.map(({ path }) => path).toSorted()).toEqual(textSites.map(({ path }) => path).toSorted());
  },
);
