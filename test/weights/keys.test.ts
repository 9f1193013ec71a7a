/** Every layout of the same weights gives the same canonical names, with the bytes where the file has them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SD21, SDXL } from '../../native-models/models/configs.ts';
import { diffusersUnetModules } from '../../native-models/weights/diffusersKeys.ts';
import { canonicalTensors, type Part } from '../../native-models/weights/keys.ts';
import { readFloat32, readTensorFloat32, type WeightsFile } from '../../native-models/weights/tensors.ts';
import { GOLDEN_DIR, goldenTensors } from '../helpers/golden.ts';
import { namesAndShapes } from '../helpers/weightFiles.ts';

type NameMap = Readonly<Record<string, string>>;
const KEY_MAP = JSON.parse(
  readFileSync(join(GOLDEN_DIR, 'controlnet', 'diffusers_key_map.json'), 'utf8'),
) as {
  readonly unet: NameMap;
  readonly controlnet: NameMap;
  readonly vae: NameMap;
};
const SD1 = goldenTensors('_shared', 'sd1-tiny.safetensors');

/** The file with other names; `rename` returns undefined for a tensor that is left out. */
function renamed(file: WeightsFile, rename: (name: string) => string | undefined): WeightsFile {
  const tensors = [...file.tensors].flatMap(([name, info]) => {
    const other = rename(name);
    return other === undefined ? [] : [[other, { ...info, name: other }] as const];
  });
  return { ...file, tensors: new Map(tensors) };
}

/** What a part must come to: the LDM names without their prefix. */
function places(file: WeightsFile, part: Part): Record<string, unknown> {
  return Object.fromEntries(
    [...canonicalTensors(file, part)].map(([name, { shape, offset }]) => [name, { shape, offset }]),
  );
}

describe.each([
  ['unet', 'unet', 'model.diffusion_model.', SD1, KEY_MAP.unet],
  ['vae', 'vae', 'first_stage_model.', SD1, KEY_MAP.vae],
  [
    'controlnet',
    'controlnet',
    'control_model.',
    goldenTensors('controlnet', 'controlnet.safetensors'),
    KEY_MAP.controlnet,
  ],
] as const)('%s', (_what, part, prefix, file, keyMap) => {
  const reference = places(file, part);

  it('has every tensor of the LDM layout, without the prefix and without model_ema', () => {
    expect(Object.keys(reference).sort()).toEqual(
      Object.keys(keyMap)
        .map((name) => name.slice(prefix.length))
        .sort(),
    );
  });

  it('is the same under any prefix and none', () => {
    for (const other of ['', part === 'vae' ? 'vae.' : part === 'unet' ? 'diffusion_model.' : '']) {
      const moved = renamed(file, (name) =>
        name.startsWith(prefix) ? other + name.slice(prefix.length) : name,
      );
      expect(places(moved, part)).toEqual(reference);
    }
  });

  it('is the same from the diffusers layout', () => {
    expect(
      places(
        renamed(file, (name) => keyMap[name]),
        part,
      ),
    ).toEqual(reference);
  });
});

describe('vae attention', () => {
  it('takes the names from before 2023 and linear shapes', () => {
    const old = [
      ['to_q', 'query'],
      ['to_k', 'key'],
      ['to_v', 'value'],
      ['to_out.0', 'proj_attn'],
    ] as const;
    const file = renamed(SD1, (name) =>
      old.reduce<string | undefined>((text, [now, then]) => text?.replace(now, then), KEY_MAP.vae[name]),
    );
    const linear = [...file.tensors].map(
      ([name, info]) =>
        [name, name.includes('attentions') ? { ...info, shape: info.shape.slice(0, 2) } : info] as const,
    );
    expect(places({ ...file, tensors: new Map(linear) }, 'vae')).toEqual(places(SD1, 'vae'));
  });
});

describe('U-Net structures by rule', () => {
  it.each([
    ['SDXL', SDXL.unet, 'down_blocks.1.attentions.0', 'input_blocks.4.1'],
    ['SDXL', SDXL.unet, 'down_blocks.2.resnets.1.conv2', 'input_blocks.8.0.out_layers.3'],
    ['SDXL', SDXL.unet, 'up_blocks.0.upsamplers.0.conv', 'output_blocks.2.2.conv'],
    ['SDXL', SDXL.unet, 'up_blocks.2.resnets.2.conv_shortcut', 'output_blocks.8.0.skip_connection'],
    ['SDXL', SDXL.unet, 'add_embedding.linear_2', 'label_emb.0.2'],
    ['SD 2.1', SD21.unet, 'up_blocks.0.upsamplers.0.conv', 'output_blocks.2.1.conv'],
    ['SD 2.1', SD21.unet, 'up_blocks.1.upsamplers.0.conv', 'output_blocks.5.2.conv'],
    ['SD 2.1', SD21.unet, 'down_blocks.2.downsamplers.0.conv', 'input_blocks.9.0.op'],
  ])('%s: %s', (_name, unet, diffusers, ldm) => {
    expect(diffusersUnetModules(unet).get(diffusers)).toBe(ldm);
  });

  it('gives every module a name of its own', () => {
    const modules = diffusersUnetModules(SDXL.unet);
    expect(new Set(modules.values()).size).toBe(modules.size);
  });
});

describe('CLIP', () => {
  it.each([
    '',
    'text_model.',
    'cond_stage_model.transformer.',
    'conditioner.embedders.0.transformer.text_model.',
    'text_encoder.text_model.',
  ])('is found under "%s"', (prefix) => {
    const moved = renamed(SD1, (name) => name.replace('cond_stage_model.transformer.text_model.', prefix));
    expect(places(moved, 'clipL')).toEqual(places(SD1, 'clipL'));
    expect(Object.keys(places(moved, 'clipL'))).toContain('encoder.layers.3.self_attn.q_proj.weight');
  });

  it('slices q, k and v out of the fused matrices of OpenCLIP', () => {
    const file = goldenTensors('clip-text', 'sd2_weights.safetensors');
    const tensors = canonicalTensors(file, 'openClip');
    const fused = readFloat32(file, 'cond_stage_model.model.transformer.resblocks.1.attn.in_proj_weight');
    const parts = ['q_proj', 'k_proj', 'v_proj'].map(
      (name) => tensors.get(`encoder.layers.1.self_attn.${name}.weight`)!,
    );
    expect(parts.map(({ shape }) => shape)).toEqual([
      [64, 64],
      [64, 64],
      [64, 64],
    ]);
    expect(parts.flatMap((info) => [...readTensorFloat32(info)])).toEqual([...fused]);
    expect(new Set([...tensors.values()].map(({ name }) => name)).size).toBe(tensors.size);
  });

  it('names everything an OpenCLIP text encoder has, as Hugging Face does', () => {
    const tensors = canonicalTensors(goldenTensors('clip-text', 'sdxl_weights.safetensors'), 'openClip');
    const hugging = canonicalTensors(SD1, 'clipL')
      .keys()
      .filter((name) => /layers\.[0-2]\.|^final|_embedding\./.test(name));
    expect([...tensors.keys()].sort()).toEqual([...hugging, 'text_projection'].sort());
    expect(tensors.get('text_projection')!.shape).toEqual([48, 40]);
  });

  it('keeps a linear projection apart from a matrix', () => {
    const file = namesAndShapes({
      'text_model.embeddings.token_embedding.weight': [10, 8],
      'text_projection.weight': [4, 8],
    });
    expect(places(file, 'openClip')).toHaveProperty(['text_projection.weight', 'shape'], [4, 8]);
  });

  it('ignores a fused matrix that is not three matrices', () => {
    const file = namesAndShapes({ 'transformer.resblocks.0.attn.in_proj_weight': [5, 2] });
    expect(places(file, 'openClip')).toEqual({});
  });

  it('reads both layouts of the image encoder', () => {
    const openAi = namesAndShapes({
      'visual.class_embedding': [8],
      'visual.conv1.weight': [8, 3, 4, 4],
      'visual.transformer.resblocks.0.attn.in_proj_bias': [24],
      'visual.transformer.resblocks.0.mlp.c_fc.weight': [32, 8],
      'visual.proj': [8, 4],
      'transformer.resblocks.0.mlp.c_fc.weight': [32, 8],
    });
    const names = ['class_embedding', 'patch_embedding.weight'].map((name) => `embeddings.${name}`);
    const layer = 'encoder.layers.0.';
    expect(Object.keys(places(openAi, 'clipVision')).sort()).toEqual(
      [
        ...names,
        `${layer}mlp.fc1.weight`,
        ...['q', 'k', 'v'].map((x) => `${layer}self_attn.${x}_proj.bias`),
        'visual_projection',
      ].sort(),
    );
    const huggingFace = namesAndShapes({
      'vision_model.embeddings.patch_embedding.weight': [8, 3, 4, 4],
      'visual_projection.weight': [4, 8],
      logit_scale: [],
    });
    expect(Object.keys(places(huggingFace, 'clipVision'))).toEqual([
      'embeddings.patch_embedding.weight',
      'visual_projection.weight',
    ]);
  });
});

describe('upscalers', () => {
  const newNames = goldenTensors('esrgan', 'rrdb_x4.safetensors');

  it('maps the first ESRGAN layout, also below params_ema', () => {
    const old = goldenTensors('esrgan', 'rrdb_x4_oldnames.safetensors');
    const nested = renamed(old, (name) => `params_ema.${name}`);
    expect([...canonicalTensors(old, 'upscaler').keys()].sort()).toEqual([...newNames.tensors.keys()].sort());
    expect(places(nested, 'upscaler')).toEqual(places(old, 'upscaler'));
  });

  it('maps the BSRGAN layout', () => {
    const { models } = JSON.parse(readFileSync(join(GOLDEN_DIR, 'esrgan', 'case.json'), 'utf8')) as {
      models: { bsrgan_layout_map: NameMap }[];
    };
    const bsrgan = renamed(newNames, (name) => models[0]!.bsrgan_layout_map[name] ?? 'absent');
    expect(bsrgan.tensors.has('RRDB_trunk.0.RDB1.conv1.weight')).toBe(true);
    expect(places(bsrgan, 'upscaler')).toEqual(places(newNames, 'upscaler'));
  });

  it('leaves SRVGG as it is', () => {
    const file = goldenTensors('esrgan', 'srvgg.safetensors');
    expect([...canonicalTensors(file, 'upscaler').keys()]).toEqual([...file.tensors.keys()]);
  });
});

describe('TAESD', () => {
  it.each([
    [['taesd_decoder.1.weight', 'taesd_encoder.0.weight']],
    [['decoder.layers.0.weight', 'encoder.layers.0.weight']],
  ])('%j', (names) => {
    const file = namesAndShapes(Object.fromEntries(names.map((name) => [name, [1]])));
    expect(Object.keys(places(file, 'taesd'))).toEqual(['decoder.1.weight', 'encoder.0.weight']);
  });

  it('tells a bare decoder from a bare encoder', () => {
    expect(Object.keys(places(namesAndShapes({ '1.weight': [64, 4, 3, 3] }), 'taesd'))).toEqual([
      'decoder.1.weight',
    ]);
    expect(
      Object.keys(places(namesAndShapes({ '0.weight': [64, 3, 3, 3], '1.conv.0.weight': [1] }), 'taesd')),
    ).toEqual(['encoder.0.weight', 'encoder.1.conv.0.weight']);
  });
});

describe('hostile names', () => {
  it('finds nothing in a file that has nothing', () => {
    for (const part of [
      'unet',
      'vae',
      'clipL',
      'openClip',
      'controlnet',
      'upscaler',
      'taesd',
      'clipVision',
    ] as const) {
      expect(places(namesAndShapes({ x: [1], __proto__: [1] as never }), part)).toEqual({});
    }
  });

  it('does not follow absurd block numbers', () => {
    const file = namesAndShapes({
      'up_blocks.0.resnets.0.conv1.weight': [1],
      'down_blocks.99999999.resnets.99999999.conv1.weight': [1],
      'down_blocks.99.resnets.99.conv1.weight': [1],
    });
    expect(Object.keys(places(file, 'unet')).length).toBeLessThanOrEqual(2);
  });
});
