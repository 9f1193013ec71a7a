/**
 * What the parent process and the engine process say to each other. Plain data only (structured clone).
 * Every ModelRef and ImageRef in a job has its `path` filled in by the parent: the engine opens files, it finds none.
 */
import type { GenerationRequest, UpscaleRequest } from '../../../preload/request.ts';
import type { LoraTrainingRequest } from '../../../preload/training.ts';

/**
 * How much memory the engine may trade for speed: weights widened to float32 when they are loaded (`normal`), read from a
 * float32 copy on the disk (`cached`), or widened while they are used (`low`). `auto` chooses by what fits.
 */
export type MemoryMode = 'auto' | 'normal' | 'cached' | 'low';

/** What networks can run on, by ONNX Runtime's names of its execution providers. */
export type DeviceName = 'cpu' | 'webgpu' | 'dml' | 'coreml' | 'cuda';

/** How jobs are run; given with each. */
export interface EngineSettings {
  readonly memory: MemoryMode;
  /** `auto`: the fastest device whose numbers are right (see devices/ladder.ts). */
  readonly device: 'auto' | DeviceName;
  /** Devices that ended an engine before: `auto` leaves them out. */
  readonly avoid?: readonly DeviceName[];
  /** Bytes that a device is not asked for again: it ran out of memory with more. */
  readonly limits?: Readonly<Partial<Record<DeviceName, number>>>;
  /** Folder for cached fp32 and quantised weights. */
  readonly cacheDir: string;
  /** Threads of one session; 0 = one per core. */
  readonly threads: number;
  /** Preview pictures every step by the latent→RGB matrix. */
  readonly previews: boolean;
  /** A TAESD file that makes the previews instead: full size and nearly right, at some tenths of a second a step. */
  readonly tinyDecoder?: string;
}

/** Everything the engine can be asked for. */
export type EngineJob =
  | { readonly kind: 'generate'; readonly request: GenerationRequest }
  | { readonly kind: 'upscale'; readonly request: UpscaleRequest }
  | { readonly kind: 'train-lora'; readonly request: LoraTrainingRequest }
  /** CLIP embeddings (unit length) of pictures by path and/or of texts; model = checkpoint or CLIP file with an image tower. */
  | {
      readonly kind: 'embed';
      readonly model: string;
      readonly images: readonly string[];
      readonly texts: readonly string[];
    }
  /** The hint picture a ControlNet would see. */
  | {
      readonly kind: 'hint';
      readonly image: string;
      readonly preprocessor: string;
      readonly options: Readonly<Record<string, number>>;
    }
  /** A graph in ComfyUI's API format, not checked yet, and where the files lie that it names: folder → name → path. */
  | {
      readonly kind: 'workflow';
      readonly graph: unknown;
      readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
    }
  | { readonly kind: 'devices' };

/** RGB or RGBA rows from the top left, 8 bits a channel. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** What a job is doing. */
export type Stage =
  | 'load'
  | 'encode text'
  | 'encode image'
  /** A GPU compiles its kernels for a size that is new to it. */
  | 'warm up'
  | 'denoise'
  | 'decode'
  | 'upscale'
  | 'train'
  | 'embed';

/** How far a job is. */
export interface EngineProgress {
  readonly stage: Stage;
  /** Finished units of this stage, and how many there are. */
  readonly step: number;
  readonly steps: number;
  readonly secondsPerStep?: number;
  /** Estimate for the rest of this stage. */
  readonly secondsLeft?: number;
  /** Small picture (latent size × batch, first item) of the running step. */
  readonly preview?: RawImage;
  /** Training only. */
  readonly loss?: number;
}

/** What was found out about a device. */
export interface DeviceReport {
  readonly name: DeviceName;
  readonly usable: boolean;
  /** Why it is not usable, or what was measured. */
  readonly reason: string;
  /** Largest relative error of the probe graph against the CPU's numbers. */
  readonly relativeError?: number;
  readonly gflops?: number;
}

/** What becomes of a job, by kind; all kinds that make pictures give `images`. */
export type EngineResult =
  | {
      readonly kind: 'images';
      readonly images: readonly RawImage[];
      /** Seed of each picture, in the order of `images`. */
      readonly seeds: readonly string[];
      /** "applied 192 of 192 tensors" and other remarks worth showing. */
      readonly notes: readonly string[];
      readonly timings: Readonly<Record<string, number>>;
      /** What the exported ComfyUI graph must know besides the request (ComfyGraphOptions). */
      readonly graph?: {
        readonly inpaintModel: boolean;
        readonly region?: {
          readonly x: number;
          readonly y: number;
          readonly width: number;
          readonly height: number;
        };
      };
    }
  | {
      readonly kind: 'workflow';
      readonly images: readonly WorkflowImage[];
      /** Ids of the nodes that were run, and of those whose result was still known. */
      readonly ran: readonly string[];
      readonly cached: readonly string[];
      readonly notes: readonly string[];
      readonly timings: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'lora'; readonly path: string; readonly finalLoss: number; readonly steps: number }
  | {
      readonly kind: 'embeddings';
      readonly images: readonly Float32Array[];
      readonly texts: readonly Float32Array[];
    }
  | { readonly kind: 'devices'; readonly devices: readonly DeviceReport[]; readonly chosen: DeviceName };

/** A picture that reached an output node of a workflow. */
export interface WorkflowImage {
  readonly nodeId: string;
  /** Which of that node's pictures. */
  readonly index: number;
  /** To be shown, not kept (PreviewImage). */
  readonly temporary: boolean;
  /** How the graph wants the file to be called. */
  readonly prefix: string;
  readonly image: RawImage;
}

/** An error as it crosses a border: a sentence, and what to do next. */
export interface EngineFailure {
  readonly code: 'bad-input' | 'out-of-memory' | 'cancelled' | 'crashed' | 'internal';
  readonly message: string;
  readonly hint?: string;
  /** Details for a fold-out: a stack, an exit code. */
  readonly details?: string;
}

/** What the parent says. */
export type ToEngine =
  | { readonly type: 'run'; readonly id: number; readonly job: EngineJob; readonly settings: EngineSettings }
  | { readonly type: 'cancel'; readonly id: number };

/** What the engine says; `ready` once, when it listens. */
export type FromEngine =
  | { readonly type: 'ready' }
  /** Sent before a device is touched, and with the bytes that are wanted of its memory once they are known. */
  | { readonly type: 'using'; readonly device: DeviceName; readonly bytes?: number | undefined }
  | { readonly type: 'progress'; readonly id: number; readonly progress: EngineProgress }
  | { readonly type: 'done'; readonly id: number; readonly result: EngineResult }
  | { readonly type: 'failed'; readonly id: number; readonly failure: EngineFailure };
