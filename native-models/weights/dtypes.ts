/** Float types of weight files ↔ float32. Pure bit arithmetic; the inputs are little-endian bytes. */

export type FloatDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'F8_E4M3' | 'F8_E5M2';

/** Converts raw bytes to float32. `bytes` may start at any alignment. */
export function toFloat32(bytes: Uint8Array<ArrayBuffer>, dtype: FloatDtype): Float32Array<ArrayBuffer> {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  switch (dtype) {
    case 'F32':
      return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
    case 'F64':
      return Float32Array.from(new Float64Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 8));
    case 'F16':
      return halfToFloat32(new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2));
    case 'BF16':
      return bfloat16ToFloat32(new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2));
    case 'F8_E4M3':
      return Float32Array.from(aligned, float8E4M3);
    case 'F8_E5M2':
      // E5M2 is the upper byte of a half.
      return halfToFloat32(Uint16Array.from(aligned, (byte) => byte << 8));
  }
}

function halfToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const view = new Float16Array(halves.buffer as ArrayBuffer, halves.byteOffset, halves.length);
  return Float32Array.from(view);
}

function bfloat16ToFloat32(words: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = Uint32Array.from(words, (word) => word << 16);
  return new Float32Array(bits.buffer);
}

/** E4M3FN: 4 exponent bits (bias 7), 3 mantissa bits, no infinities, 0x7f is NaN. */
function float8E4M3(byte: number): number {
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte >> 3) & 0xf;
  const mantissa = byte & 7;
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  if (exponent === 0) return sign * (mantissa / 8) * 2 ** -6;
  return sign * (1 + mantissa / 8) * 2 ** (exponent - 7);
}

/** float32 values as raw F16 bytes, rounded to nearest even; overflow becomes infinity. */
export function toHalfBytes(values: Float32Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Float16Array.from(values).buffer);
}
