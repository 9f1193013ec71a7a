/** The models that ship: what each card says of one, which logs tell how it was made, which measures tell what it does. */

export interface CardPlan {
  readonly title: string;
  /** In starter/. */
  readonly file: string;
  readonly about: string;
  /** What it was trained on. */
  readonly data: string;
  /** Stages of training by the name of their log. */
  readonly stages: readonly string[];
  /** Keys of `measures`. */
  readonly measures: readonly string[];
}

const CHECKPOINT = 'little-world.safetensors';
const SCENES = '32 768 scenes of the little world at 128 × 128, none of them a held-out combination';
const MIXED = '4 096 scenes, every tenth a woodcut and every tenth with a cat';

/** By the name of the card's file. */
export const CARDS: Readonly<Record<string, CardPlan>> = {
  autoencoder: {
    title: 'Autoencoder',
    file: CHECKPOINT,
    about:
      'Pictures to latents of 4 channels at an eighth of the size, and back: 16 channels, ×1, 2, 4, 8, one residual block a level. Its latents are white, so the scaling factor is 1. After the U-Net was trained on them the decoder went on alone; its last stage learns ln MSE, which is PSNR but for a factor.',
    data: `Crops of 64 × 64, then whole pictures: ${MIXED}.`,
    stages: ['vae-1', 'vae-2', 'vae-3', 'decoder', 'decoder-2'],
    measures: ['vae'],
  },
  'clip-pair': {
    title: 'CLIP pair',
    file: CHECKPOINT,
    about:
      'Text encoder (the context of the U-Net; 2 layers, width 128) and image encoder (16-pixel patches, 2 layers, width 128) with one space of 128 numbers. It is the judge of all other cards and the gallery search of the studio. After both were trained by contrast the image encoder went on alone; its last stage must find each picture\u2019s prompt among those of all combinations.',
    data: `${SCENES}; from the second stage on softened and of other contrast, as painted pictures are. The last stage, of the image encoder alone, saw 12 288 scenes of all combinations, the held-out ones too: a judge has to know what the painter never saw. The figures are for scenes of other seeds; the text encoder and with it the U-Net learnt from none of these.`,
    stages: ['clip', 'vision', 'vision-2'],
    measures: ['judge'],
  },
  'u-net': {
    title: 'U-Net',
    file: CHECKPOINT,
    about:
      'Predicts the noise of SD\u2019s schedule: 64 channels, ×1, 2, 2, one residual block a level, transformers from half the size on; the text encoder is frozen, a tenth of the captions empty.',
    data: `The latents of ${SCENES}.`,
    stages: ['unet'],
    measures: ['text', 'inpaint', 'img2img'],
  },
  scribble: {
    title: 'ControlNet for line drawings',
    file: 'little-world-scribble.safetensors',
    about: 'Follows a drawing of white lines on black (scribble, or what canny makes of a picture).',
    data: `The line drawings of ${SCENES}; the U-Net frozen.`,
    stages: ['control'],
    measures: ['control'],
  },
  woodcut: {
    title: 'Woodcut LoRA',
    file: 'little-world-woodcut.safetensors',
    about:
      'A style, by the studio\u2019s own LoRA trainer: rank 8, attention and feed-forward. Trigger: woodcut print.',
    data: '96 woodcuts with captions.',
    stages: ['woodcut'],
    measures: ['woodcut'],
  },
  cat: {
    title: 'Cat LoRA',
    file: 'little-world-cat.safetensors',
    about:
      'An object that the checkpoint never saw, by the studio\u2019s own LoRA trainer: rank 4, attention and feed-forward. Trigger: cat.',
    data: '96 scenes with a cat, with captions.',
    stages: ['cat'],
    measures: ['cat'],
  },
  upscaler: {
    title: 'Upscaler ×4',
    file: 'little-world-x4.safetensors',
    about: 'SRVGG-compact in the layout of Real-ESRGAN: 32 features, 6 convolutions.',
    data: 'Scenes drawn at 128 and at 512 pixels.',
    stages: ['upscaler'],
    measures: ['upscaler'],
  },
};
