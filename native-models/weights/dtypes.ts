/** Float types of weight files ↔ float32. Pure bit arithmetic; the bytes are little-endian, as is every machine we run on. */

export type FloatDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'F8_E4M3' | 'F8_E5M2';

/** Converts raw bytes to float32. `bytes` may start at any alignment; F32 that happens to be aligned is not copied. */
export function toFloat32(bytes: Uint8Array<ArrayBuffer>, dtype: FloatDtype): Float32Array<ArrayBuffer> {
  switch (dtype) {
    case 'F32':
      return view(bytes, Float32Array);
    case 'F64':
      return new Float32Array(view(bytes, Float64Array));
    case 'F16':
      return new Float32Array(view(bytes, Float16Array));
    case 'BF16':
      return upperHalves(view(bytes, Uint16Array));
    case 'F8_E4M3':
      return mapBytes(bytes, FLOAT8_E4M3);
    case 'F8_E5M2':
      return mapBytes(bytes, FLOAT8_E5M2);
  }
}

/** float32 values as raw F16 bytes, rounded to nearest even; overflow becomes infinity. */
export function toHalfBytes(values: Float32Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Float16Array(values).buffer);
}

/** How many of the values are NaN or infinite, told from the bits alone: an exponent of all ones. */
export function countNonFinite(bytes: Uint8Array<ArrayBuffer>, dtype: FloatDtype): number {
  switch (dtype) {
    case 'F32':
      return countMasked(view(bytes, Uint32Array), 0x7f800000, 1, 0);
    case 'F64':
      return countMasked(view(bytes, Uint32Array), 0x7ff00000, 2, 1);
    case 'F16':
      return countMasked(view(bytes, Uint16Array), 0x7c00, 1, 0);
    case 'BF16':
      return countMasked(view(bytes, Uint16Array), 0x7f80, 1, 0);
    case 'F8_E4M3':
      return countMasked(bytes, 0x7f, 1, 0); // no infinities; all ones is NaN
    case 'F8_E5M2':
      return countMasked(bytes, 0x7c, 1, 0);
  }
}

type Words = Uint8Array | Uint16Array | Uint32Array;

/** Every `stride`-th word from `first` on; F64 keeps its exponent in the upper of two words. */
function countMasked(words: Words, mask: number, stride: number, first: number): number {
  let count = 0;
  for (let i = first; i < words.length; i += stride) if ((words[i]! & mask) === mask) count++;
  return count;
}

interface ArrayType<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
}

/** The bytes as elements of another type, copied only when they are not aligned for it. */
function view<T>(bytes: Uint8Array<ArrayBuffer>, type: ArrayType<T>): T {
  const size = type.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new type(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

/** BF16 is the upper half of a float32. */
function upperHalves(words: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) bits[i] = words[i]! << 16;
  return new Float32Array(bits.buffer);
}

function mapBytes(bytes: Uint8Array, table: Float32Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = table[bytes[i]!]!;
  return values;
}

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const FLOAT8_E4M3 = Float32Array.from(ALL_BYTES, float8E4M3);
/** E5M2 is the upper byte of a half. */
const FLOAT8_E5M2 = new Float32Array(
  new Float16Array(Uint16Array.from(ALL_BYTES, (byte) => byte << 8).buffer),
);

/** E4M3FN: 4 exponent bits (bias 7), 3 mantissa bits, no infinities, 0x7f is NaN. */
function float8E4M3(byte: number): number {
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte >> 3) & 0xf;
  const mantissa = byte & 7;
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  if (exponent === 0) return sign * (mantissa / 8) * 2 ** -6;
  return sign * (1 + mantissa / 8) * 2 ** (exponent - 7);
}
