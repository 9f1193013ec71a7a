/** The draft: every setting of the next generation, as the left panel shows it. Pictures and masks join it when it becomes a request. */
import type {
  ControlUse,
  GenerationRequest,
  InpaintRequest,
  LoraUse,
  ModelRef,
} from '../../preload/request.ts';
import type { PictureUse } from './layer.ts';

type Settings = Pick<
  GenerationRequest,
  | 'prompt'
  | 'negativePrompt'
  | 'sampler'
  | 'schedule'
  | 'steps'
  | 'guidanceScale'
  | 'seed'
  | 'rng'
  | 'batchSeeds'
  | 'width'
  | 'height'
  | 'batch'
  | 'clipSkip'
  | 'emphasis'
  | 'speed'
>;

export type StepRule = InpaintRequest['stepRule'];

export interface DraftControl {
  readonly model: ModelRef | null;
  /** What the hint is made of: the sketch on the canvas, or a dropped picture. */
  readonly source: 'sketch' | 'picture';
  readonly picture: PictureUse | null;
  readonly preprocessor: string;
  /** Numbers of the preprocessor that differ from its own defaults. */
  readonly preprocessorOptions: Readonly<Record<string, number>>;
  readonly weight: number;
  readonly startFraction: number;
  readonly endFraction: number;
  readonly priority: ControlUse['priority'];
}

export interface DraftLora extends LoraUse {
  /** Off: kept as a chip, left out of the request. */
  readonly on: boolean;
}

export interface Draft extends Readonly<Settings> {
  readonly checkpoint: ModelRef | null;
  readonly vae: ModelRef | null;
  readonly loras: readonly DraftLora[];
  readonly denoisingStrength: number;
  /** How the strength shortens the steps; text-to-image, which has none, is not touched by it. */
  readonly stepRule: StepRule;
  /** Other shortcuts than those of `speed`: a recalled picture's. */
  readonly shortcuts?: GenerationRequest['shortcuts'];
  /** A new seed for every run. */
  readonly freshSeed: boolean;
  readonly maskedContent: 'original' | 'fill' | 'latent noise' | 'latent nothing';
  /** `Use sketch`: the control joins every request. */
  readonly useSketch: boolean;
  readonly control: DraftControl;
  /** Hires fix: enlarge, then run img2img on the large picture. */
  readonly secondPass: {
    readonly on: boolean;
    readonly scale: number;
    readonly denoisingStrength: number;
    readonly upscaler: ModelRef | null;
  };
}

export const FIRST_DRAFT: Draft = {
  checkpoint: null,
  vae: null,
  loras: [],
  prompt: '',
  negativePrompt: '',
  sampler: 'dpmpp_2m',
  schedule: 'karras',
  steps: 20,
  guidanceScale: 7,
  seed: '1',
  rng: 'cpu',
  batchSeeds: 'increment',
  width: 512,
  height: 512,
  batch: 1,
  clipSkip: 1,
  emphasis: 'comfy',
  speed: 'exact',
  denoisingStrength: 0.6,
  stepRule: 'diffusers',
  freshSeed: true,
  maskedContent: 'original',
  useSketch: true,
  control: {
    model: null,
    source: 'sketch',
    picture: null,
    preprocessor: 'none',
    preprocessorOptions: {},
    weight: 1,
    startFraction: 0,
    endFraction: 1,
    priority: 'balanced',
  },
  secondPass: { on: false, scale: 2, denoisingStrength: 0.5, upscaler: null },
};

/** Steps that run at a strength: all of them by ComfyUI's rule, else the last `steps × strength`, rounded down; A1111 takes one more. */
export function stepsRun(steps: number, denoisingStrength: number, rule: StepRule): number {
  if (denoisingStrength <= 0) return 0;
  if (rule === 'comfy') return steps;
  return Math.min(steps, Math.floor(steps * denoisingStrength) + (rule === 'a1111' ? 1 : 0));
}

/** Which of five plain sentences describes a strength. */
export function strengthWords(denoisingStrength: number): 'same' | 'touches' | 'keeps' | 'loosens' | 'new' {
  if (denoisingStrength <= 0) return 'same';
  if (denoisingStrength < 0.35) return 'touches';
  if (denoisingStrength < 0.7) return 'keeps';
  if (denoisingStrength < 1) return 'loosens';
  return 'new';
}

/** Another source for the hint, with the preprocessor it needs: strokes go as they are, a photo is made into lines. */
export function hintFrom(control: DraftControl, source: DraftControl['source']): DraftControl {
  const preprocessor =
    source === 'sketch' ? 'none' : control.preprocessor === 'none' ? 'canny' : control.preprocessor;
  const same = preprocessor === control.preprocessor;
  const preprocessorOptions = same ? control.preprocessorOptions : {};
  return { ...control, source, preprocessor, preprocessorOptions };
}
