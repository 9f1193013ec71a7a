/** What every seeded source of unit-normal numbers looks like, whichever program's numbers it reproduces. */

/** Draws are consecutive: each call continues where the last one stopped. */
export interface NoiseGenerator {
  /** `count` independent standard normals. */
  randn(count: number): Float32Array<ArrayBuffer>;
}

/** `cpu`: torch's CPU generator (ComfyUI, diffusers). `nv`: Philox, as CUDA and A1111's "RNG: NV" draw. */
export type RngKind = 'cpu' | 'nv';
