/** The mask's float pixels, kept in step with its operations, and the picture of it that lies on the canvas. */
import { blankCoverage, type Coverage } from '../document/coverage.ts';
import { type Rect, wholePixels } from '../document/geometry.ts';
import {
  applyOperation,
  cropCoverage,
  type Mask,
  type MaskOperation,
  operationArea,
} from '../document/mask.ts';
import { soften } from '../document/morphology.ts';
import { tinted } from './inkCanvas.ts';
import { follower } from './replay.ts';

/** Colour of the mask on the canvas; its translucency is the Konva node's opacity. */
export const MASK_COLOUR = '#ff5436';
/** Growing and feathering are previewed on at most so many pixels. */
const PREVIEW_PIXELS = 1_200_000;

/** Float mask of an area that follows the document's operations. */
export function maskSurface() {
  let raw: Coverage = blankCoverage({ x: 0, y: 0, width: 1, height: 1 });
  const following = follower<MaskOperation, Coverage | null>({
    reset: () => raw.data.fill(0),
    weight: (before) => before?.data.length ?? 0,
    apply(operation) {
      const area = operationArea(operation, raw.area);
      const before = area === null ? null : cropCoverage(raw, area);
      applyOperation(raw, operation);
      return before;
    },
    restore: (before) => {
      if (before !== null) write(raw, before);
    },
  });
  return {
    /** Shows the mask over `area`; returns its raw pixels (not grown, not feathered). */
    follow(mask: Mask, area: Rect): Coverage {
      const whole = wholePixels(area);
      if (!sameRect(whole, raw.area)) {
        raw = blankCoverage(whole);
        following.forget();
      }
      following.show(mask.operations);
      return raw;
    },
  };
}

const sameRect = (a: Rect, b: Rect): boolean =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;

function write(target: Coverage, part: Coverage): void {
  const { area } = part;
  for (let y = 0; y < area.height; y++) {
    const to = (area.y - target.area.y + y) * target.area.width + area.x - target.area.x;
    target.data.set(part.data.subarray(y * area.width, (y + 1) * area.width), to);
  }
}

export interface MaskPreview {
  /** The soft mask at preview size. */
  readonly coverage: Coverage;
  /** Document pixels per preview pixel. */
  readonly scale: number;
  readonly picture: OffscreenCanvas;
}

/** The grown and feathered mask, small enough to follow a slider. */
export function previewMask(raw: Coverage, mask: Mask): MaskPreview {
  const scale = Math.max(1, Math.ceil(Math.sqrt(raw.data.length / PREVIEW_PIXELS)));
  const small = scale === 1 ? raw : shrink(raw, scale);
  const coverage = soften(small, { grow: mask.grow / scale, feather: mask.feather / scale });
  const picture = new OffscreenCanvas(coverage.area.width, coverage.area.height);
  picture.getContext('2d')!.putImageData(tinted(coverage, MASK_COLOUR), 0, 0);
  return { coverage, scale, picture };
}

/** Every `step`-th pixel: enough for a preview. The area keeps its place and counts in preview pixels. */
function shrink({ area, data }: Coverage, step: number): Coverage {
  const width = Math.ceil(area.width / step);
  const height = Math.ceil(area.height / step);
  const small = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) small[y * width + x] = data[y * step * area.width + x * step]!;
  return { area: { x: area.x, y: area.y, width, height }, data: small };
}
