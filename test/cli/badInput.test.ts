/** Bad input on the command line: one line that names the file or option and the next step, a failing exit code, nothing half-written. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { type CliResult, emulsion, temporaryFolder } from '../helpers/emulsion.ts';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { TINY_CHECKPOINT } from '../helpers/tinyModel.ts';

const QUICK = ['--width', '64', '--height', '64', '--steps', '1', '--seed', '1'];

/** Checks what every failure must look like, and returns its line. */
function lineOf({ code, stdout, stderr }: CliResult): string {
  expect(code).toBeGreaterThan(0);
  expect(stdout).toBe('');
  const lines = stderr.trim().split('\n');
  expect(lines).toHaveLength(1);
  // A problem and a next step: at least two sentences, no stack.
  expect(lines[0]).toMatch(/[.:].+[.)]?$/);
  expect(lines[0]).not.toMatch(/\bat .*:\d+:\d+/);
  return lines[0]!;
}

/** The tiny checkpoint with its bytes changed. */
function damaged(folder: string, name: string, change: (bytes: Buffer) => Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, change(readFileSync(TINY_CHECKPOINT)));
  return path;
}

/** The tiny checkpoint with its JSON header changed; offsets stay as they are. */
function reheaded(
  folder: string,
  name: string,
  change: (header: Record<string, { shape: number[]; dtype: string }>) => void,
): string {
  return damaged(folder, name, (bytes) => {
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8'));
    change(header);
    const json = Buffer.from(JSON.stringify(header));
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([head, json, bytes.subarray(8 + length)]);
  });
}

const CONV_IN = 'model.diffusion_model.input_blocks.0.0.weight';

describe.concurrent('files that are no checkpoint', () => {
  test.each<[name: string, make: (folder: string) => string, says: RegExp]>([
    [
      'truncated',
      (f) => damaged(f, 'short.safetensors', (b) => b.subarray(0, 100_000)),
      /short\.safetensors.*(cut off|header)/,
    ],
    [
      'padded',
      (f) => damaged(f, 'long.safetensors', (b) => Buffer.concat([b, Buffer.alloc(64)])),
      /long\.safetensors.*too many/,
    ],
    [
      'a web page',
      (f) => damaged(f, 'page.safetensors', () => Buffer.from('<!DOCTYPE html><html>Sign in</html>')),
      /page\.safetensors.*web page/,
    ],
    [
      'an absurd header length',
      (f) =>
        damaged(f, 'absurd.safetensors', (b) => {
          b.writeBigUInt64LE(2n ** 62n, 0);
          return b;
        }),
      /absurd\.safetensors.*header/,
    ],
    [
      'a tensor of another name',
      (f) =>
        reheaded(f, 'missing.safetensors', (h) => {
          h['elsewhere'] = h[CONV_IN]!;
          delete h[CONV_IN];
        }),
      /missing\.safetensors/,
    ],
    [
      'a tensor of another shape',
      (f) =>
        reheaded(f, 'shape.safetensors', (h) => {
          h[CONV_IN]!.shape.reverse();
        }),
      /shape\.safetensors/,
    ],
    [
      'a tensor of integers',
      (f) =>
        reheaded(f, 'dtype.safetensors', (h) => {
          h[CONV_IN]!.dtype = 'I16';
        }),
      /dtype\.safetensors.*I16/,
    ],
    ['a LoRA', () => join(GOLDEN_DIR, 'lora', 'lora_kohya_a.safetensors'), /lora_kohya_a\.safetensors.*LoRA/],
    [
      'a ControlNet',
      () => join(GOLDEN_DIR, 'controlnet', 'controlnet.safetensors'),
      /controlnet\.safetensors.*ControlNet/,
    ],
    ['nothing at all', (f) => join(f, 'nowhere.safetensors'), /nowhere\.safetensors/],
  ])('%s', async (_name, make, says) => {
    using folder = temporaryFolder();
    const out = join(folder.path, 'out');
    const line = lineOf(
      await emulsion(['generate', 'a cat', '--checkpoint', make(folder.path), '--out', out, ...QUICK]),
    );
    expect(line).toMatch(says);
    expect(readdirSync(out)).toEqual([]);
  });

  test('weights that are not numbers', async () => {
    using folder = temporaryFolder();
    const info = openSafetensors(TINY_CHECKPOINT).tensors.get(CONV_IN)!;
    const path = damaged(folder.path, 'nan.safetensors', (bytes) =>
      bytes.fill(0xff, info.offset, info.offset + info.byteLength),
    );
    const out = join(folder.path, 'out');
    expect(
      lineOf(await emulsion(['generate', 'a cat', '--checkpoint', path, '--out', out, ...QUICK])),
    ).toMatch(/nan\.safetensors.*not a number/);
    expect(readdirSync(out)).toEqual([]);
    const report = await emulsion(['inspect', '--deep', path]);
    expect(report.code).toBe(3);
    expect(report.stdout).toContain(CONV_IN);
  });
});

describe.concurrent('options that do not fit', () => {
  test.each<[args: string[], says: RegExp]>([
    [['a cat', '--width', '100'], /width.*multiples of 8/],
    [['a cat', '--init', 'x.png', '--strength', '1.5'], /--strength 1\.5.*0–1/],
    [['a cat', '--mask', 'x.png'], /--mask needs --init/],
    [['a cat', '--strength', '0.5'], /--strength needs --init/],
    [['a cat', '--init', 'x.png', '--mask-blur', '3'], /--mask-blur needs --mask: .+\. Give both/],
    [['a cat', '--mask-grow', '0'], /--mask-grow needs --mask/],
    [['a cat', '--masked-content', 'fill'], /--masked-content needs --mask/],
    [['a cat', '--inpaint-area', 'only masked'], /--inpaint-area needs --mask/],
    [['a cat', '--second-pass-strength', '0.4'], /--second-pass-strength needs --second-pass: /],
    [['a cat', '--second-pass-upscaler', 'x.pth'], /--second-pass-upscaler needs --second-pass: /],
    [['a cat', '--second-pass', '0'], /secondPass\.scale/],
    [['a cat', '--second-pass', 'twice'], /secondPass\.scale/],
    [['a cat', '--control-image', 'x.png'], /--control-image needs --control: /],
    [['a cat', '--control-weight', '0.4'], /--control-weight needs --control: /],
    [['a cat', '--preprocessor', 'canny'], /--preprocessor needs --control: /],
    [['a cat', '--preprocessor-option', 'low=5'], /--preprocessor-option needs --control: /],
    [
      ['a cat', '--control', 'x', '--control-image', 'x.png', '--preprocessor-option', 'low=5'],
      /--preprocessor-option needs --preprocessor: /,
    ],
    [
      ['a cat', '--control', 'x', '--control-image', 'x.png', 'y.png'],
      /--control-image has 2 values for 1 of --control\. Give one for each/,
    ],
    [['a cat', '--from', 'x.png'], /two prompts|--prompt does nothing beside --from/],
    [['--from', 'x.png', '--seed', '5'], /--seed does nothing beside --from: .+\. Leave one/],
    [['a cat', '--prompt', 'a dog'], /two prompts/],
    [['a cat', '--guidance-interval', '1:2:3'], /--guidance-interval 1:2:3 is not low:high/],
    [['a cat', '--init', 'nowhere.png'], /nowhere\.png/],
    [['a cat', '--steps', 'many'], /steps/],
    [['a cat', '--seed', '-1'], /seed/],
    [['a cat', '--sampler', 'magic'], /--sampler/],
    [['a cat', '--threads', '-5'], /--threads.*0 to 256/],
    [['a cat', '--threads', '100000'], /--threads.*0 to 256/],
    [['a cat', '--lora', 'two\nlines.safetensors:1'], /two lines\.safetensors/],
    [['', '--cfg', '7'], /prompt is empty/],
    [
      ['a cat', '--width', '16384', '--height', '16384', '--batch', '64'],
      /16384 × 16384, 64 at once, takes about \d+ GB of memory, .+ has \d+ GB\. Choose .+ smaller\./,
    ],
  ])('generate %j', async (args, says) => {
    using folder = temporaryFolder();
    const common = ['--checkpoint', TINY_CHECKPOINT, '--out', join(folder.path, 'out')];
    const { code, stderr } = await emulsion(['generate', ...common, ...args]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(says);
    expect(stderr.trim().split('\n').length).toBeLessThan(3);
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  });

  test('an unreadable init image', async () => {
    using folder = temporaryFolder();
    const image = join(folder.path, 'broken.png');
    writeFileSync(image, 'not a picture');
    const out = join(folder.path, 'out');
    const result = await emulsion([
      'generate',
      'a cat',
      '--checkpoint',
      TINY_CHECKPOINT,
      '--init',
      image,
      '--out',
      out,
      ...QUICK,
    ]);
    expect(lineOf(result)).toMatch(/broken\.png/);
  });
});

test.each([
  ['a folder', (path: string) => mkdirSync(path), /flow\.json is no file/],
  ['a link in a circle', (path: string) => symlinkSync(path, path), /flow\.json cannot be read \(ELOOP\)/],
])('a workflow that is %s', async (_name, make, says) => {
  using folder = temporaryFolder();
  const flow = join(folder.path, 'flow.json');
  make(flow);
  const result = await emulsion(['run', flow, '--out', join(folder.path, 'out')]);
  expect(lineOf(result)).toMatch(says);
  expect(result.code).toBe(2);
});

describe.concurrent('options of other commands that do not fit', () => {
  const PICTURES = join(GOLDEN_DIR, 'canny');
  test.each<[args: string[], says: RegExp]>([
    [['serve', '--port', '99999'], /--port.*0 to 65535\. 0 = any/],
    [['serve', '--token', ''], /--token needs at least 8 .+Leave it out/],
    [['serve', '--token', 'a b & c d #'], /--token needs at least 8/],
    [['rank', 'a cat', PICTURES, '--top', '-1'], /--top/],
    [
      ['train', 'lora', '--data', PICTURES, '--caption', 'x', '--name', 'x', '--sample-prompt', 'a boat'],
      /--sample-prompt needs --sample-every: /,
    ],
    [['train', 'lora', '--data', PICTURES, '--caption', 'x', '--name', '../x'], /name: .* only\. Correct/],
    // The studio's own errors keep their words and their next step.
    [
      ['serve', '--data', join(GOLDEN_DIR, 'README.md')],
      /^emulsion: The data folder .*README\.md cannot be written to\. (?!Please report)/,
    ],
  ])('%j', async (args, says) => {
    const { code, stderr } = await emulsion(args);
    expect(code).toBeGreaterThan(0);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(says);
  });
});

// Opened like a file, a pipe would be waited for and a device read without end.
describe.runIf(existsSync('/dev/zero'))(
  'pictures that are no files (not on Windows)',
  { concurrent: true },
  () => {
    const common = ['--checkpoint', TINY_CHECKPOINT, ...QUICK];
    test.each<[command: (picture: string) => string[]]>([
      [(picture) => ['generate', 'a cat', ...common, '--init', picture]],
      [(picture) => ['generate', '--from', picture]],
      [(picture) => ['upscale', picture]],
      [(picture) => ['run', picture]],
    ])('%s', async (command) => {
      using folder = temporaryFolder();
      const pipe = join(folder.path, 'pipe.png');
      execFileSync('mkfifo', [pipe]);
      for (const picture of [pipe, '/dev/zero']) {
        const result = await emulsion([...command(picture), '--out', join(folder.path, 'out')]);
        expect(lineOf(result)).toMatch(
          /^emulsion: (pipe\.png|zero): is no file\. Choose a picture instead\.$/,
        );
        expect(result.code).toBe(2);
      }
    });
  },
);

test('a picture to enlarge that is a link in a circle', async () => {
  using folder = temporaryFolder();
  const picture = join(folder.path, 'round.png');
  symlinkSync(picture, picture);
  const result = await emulsion(['upscale', picture, '--out', join(folder.path, 'out')]);
  expect(lineOf(result)).toMatch(/round\.png cannot be read or written \(ELOOP\)\. Check/);
  expect(result.code).toBe(2);
});

describe.concurrent('an output folder that cannot be one', () => {
  const COMMANDS: readonly (readonly string[])[] = [
    ['generate', 'a cat', '--checkpoint', TINY_CHECKPOINT, ...QUICK],
    ['train', 'lora', '--name', 'mine', '--data', join(GOLDEN_DIR, 'canny'), '--caption', 'x'],
  ];

  test.each(COMMANDS)('%s: a file', async (...command) => {
    using folder = temporaryFolder();
    const out = join(folder.path, 'taken');
    copyFileSync(join(GOLDEN_DIR, 'README.md'), out);
    expect(lineOf(await emulsion([...command, '--out', out]))).toMatch(/taken cannot be written to/);
  });

  // Node's own way of making folders never comes back from there.
  test.runIf(existsSync('/proc'))('where no folders are made (Linux only)', async () => {
    const out = '/proc/nowhere/out';
    expect(lineOf(await emulsion([...COMMANDS[0]!, '--out', out]))).toMatch(/out cannot be written to/);
  });
});

/** A file system of one page, where mounting is allowed (root on Linux). */
function mountTiny(path: string): boolean {
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a full disk leaves no half picture', async (context) => {
  using folder = temporaryFolder();
  const out = join(folder.path, 'tiny');
  if (!mountTiny(out)) return context.skip('mounting a tmpfs is not allowed here');
  try {
    const result = await emulsion([
      'generate',
      'a cat',
      '--checkpoint',
      TINY_CHECKPOINT,
      '--out',
      out,
      ...QUICK,
    ]);
    expect(lineOf(result)).toMatch(/ENOSPC/);
    expect(readdirSync(out)).toEqual([]);
  } finally {
    execFileSync('umount', [out]);
  }
  expect(existsSync(out)).toBe(true);
});
