/** The port between the pipeline and whatever runs the networks: five functions, tensors in and tensors out. */
import type { Tensor } from './tensor.ts';

/** N chunks of prompt for the text encoder. */
export interface TextInput {
  /** [N, 77] ids including start and end tokens. */
  readonly tokenIds: Int32Array<ArrayBuffer>;
  /** 1 = last layer. */
  readonly clipSkip: number;
  /** Textual-inversion vectors that replace the looked-up embedding of single tokens. */
  readonly insertions?: readonly TokenVector[];
}

export interface TokenVector {
  /** Which of the N chunks, and which of its 77 places. */
  readonly chunk: number;
  readonly position: number;
  /** [D] values. */
  readonly vector: Float32Array<ArrayBuffer>;
}

export interface TextEncoding {
  readonly embedding: Tensor; // [N, 77, D]
  /** [N, P]: the pooled vector of encoders that have one (SDXL). */
  readonly pooled?: Tensor;
}

/** What ControlNets and T2I-Adapters add to the U-Net, already multiplied by their weight; tensors are [N, C, h', w']. */
export interface ControlResiduals {
  /** ControlNet: to the skips, in the order of the U-Net's input blocks. */
  readonly skips: readonly Tensor[];
  /** To the middle block's output. */
  readonly middle?: Tensor;
  /** T2I-Adapter: to the outputs of the last input block of every level, and thereby to what follows. */
  readonly features?: readonly Tensor[];
}

/** What lies behind the outer blocks of the U-Net at one step, from which they can run alone at another. */
export interface DeepFeatures {
  readonly feature: Tensor; // [N, C, h, w]
  /** The first of the residuals that acted at that step: the one that the outer blocks read. */
  readonly residual?: Tensor;
}

/** One evaluation of the U-Net for N rows. */
export interface NoisePredictionInput {
  /** [N, Cin, h, w], scaled as the network expects it; 9-channel inpaint models get mask and masked latent appended. */
  readonly latent: Tensor;
  /** [N] model time 0–999; may be fractional. */
  readonly timestep: Float32Array<ArrayBuffer>;
  readonly context: Tensor; // [N, T, D]
  /** [N, A] pooled text and size conditioning (SDXL). */
  readonly y?: Tensor;
  readonly residuals?: ControlResiduals;
  /** `keep`: give the deep features back too. Features given: run the outer blocks alone, on them. */
  readonly deep?: 'keep' | DeepFeatures;
}

/** Raw network output [N, 4, h, w]: eps, v or the clean latent, whichever the checkpoint was trained for. */
export interface NoisePrediction extends Tensor {
  /** Of an evaluation that was told to keep them. */
  readonly deep?: DeepFeatures;
}

export interface ControlInput extends Omit<NoisePredictionInput, 'residuals' | 'deep'> {
  /** Which of the request's ControlNets and T2I-Adapters. */
  readonly control: number;
  /** [1 or N, 3, 8h, 8w], 0–1. */
  readonly hint: Tensor;
}

type PredictNoise = (input: NoisePredictionInput) => Promise<NoisePrediction>;

/** The networks of one checkpoint, ready to run. Implemented by the engine; tests implement it with arithmetic. */
export interface DiffusionModel {
  encodeText(input: TextInput): Promise<TextEncoding>;
  readonly predictNoise: PredictNoise;
  /** Unweighted residuals of one ControlNet. */
  control(input: ControlInput): Promise<ControlResiduals>;
  /** Pixels [N, 3, H, W] in -1…1 → posterior mean [N, 4, H/8, W/8] × scalingFactor. */
  encodeImage(pixels: Tensor): Promise<Tensor>;
  /** Latent [N, 4, h, w] as sampled (× scalingFactor) → pixels [N, 3, 8h, 8w], about -1…1, not clamped. */
  decodeLatent(latent: Tensor): Promise<Tensor>;
}
