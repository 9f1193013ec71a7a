/** Numbers as people read them. */

const GIGABYTE = 1e9;

export const megabytes = (bytes: number): string =>
  bytes >= GIGABYTE ? `${(bytes / GIGABYTE).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;

/** A file's size, small ones too: "412 KB", "3 MB". */
export const fileSize = (bytes: number): string =>
  bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : megabytes(bytes);

export const gigabytes = (bytes: number): string => (bytes / GIGABYTE).toFixed(1);

/** "9 s", "3 min", "1 h 20 min": as coarse as one cares to know. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Seconds per step with the digits that matter. */
export const perStep = (seconds: number): string =>
  `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(0)} s`;

export const percent = (zoom: number): string => `${Math.round(zoom * 100)} %`;

/** A time in the reader's own way. */
export const moment = (milliseconds: number, language: string): string =>
  new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(milliseconds);

const DEVICE_NAMES: Readonly<Record<string, string>> = {
  cpu: 'CPU',
  cuda: 'CUDA',
  dml: 'DirectML',
  coreml: 'Core ML',
  webgpu: 'WebGPU',
};

/** A device as its maker writes it. */
export const deviceName = (device: string): string => DEVICE_NAMES[device] ?? device;
