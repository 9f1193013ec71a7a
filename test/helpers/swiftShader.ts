/** SwiftShader, a Vulkan driver that computes on the CPU, so that the WebGPU provider runs on a machine without a GPU. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const ARCHIVE = join('node_modules', '@sparticuz', 'chromium', 'bin', 'swiftshader.tar.br');

/** Why it cannot be had here; undefined where it can. */
export const NO_SWIFT_SHADER: string | undefined =
  process.platform === 'linux' && process.arch === 'x64'
    ? undefined
    : `SwiftShader is packaged for Linux on x64, this is ${process.platform} on ${process.arch}`;

/** Unpacks it into `folder` and returns the environment in which a process finds it. */
export function unpackSwiftShader(folder: string): Readonly<Record<string, string>> {
  const tar = brotliDecompressSync(readFileSync(join(import.meta.dirname, '..', '..', ARCHIVE)));
  const { status, stderr } = spawnSync('tar', ['-xf', '-', '-C', folder], { input: tar });
  if (status !== 0) throw new Error(`SwiftShader could not be unpacked: ${stderr}`);
  const libraries = [folder, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
  return { LD_LIBRARY_PATH: libraries, VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json') };
}
