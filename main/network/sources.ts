/** From what a user pastes — an address or a Hugging Face id — to the address of one file. */
import { extname } from 'node:path';
import { z } from 'zod';
import { StudioError } from '../../preload/errors.ts';
import type { Gate } from './gate.ts';

export interface Hosts {
  readonly huggingFace: string;
  readonly civitai: string;
}

export const PUBLIC_HOSTS: Hosts = { huggingFace: 'https://huggingface.co', civitai: 'https://civitai.com' };

export interface Source {
  readonly url: string;
  readonly fileName: string;
}

const ID = /^([\w.-]+)\/([\w.-]+)(?:\/(.+))?$/;
const MAX_ANSWER = 4 << 20;

/** @throws StudioError `bad-input` when neither; `not-found` when the repository holds no single model file. */
export async function resolveSource(gate: Gate, hosts: Hosts, source: string): Promise<Source> {
  const id = ID.exec(source);
  if (id === null) return fileOf(source);
  const [, owner, name, given] = id;
  const file = given ?? (await onlyModelFile(gate, hosts, `${owner}/${name}`));
  const path = file.split('/').map(encodeURIComponent).join('/');
  return { url: `${hosts.huggingFace}/${owner}/${name}/resolve/main/${path}`, fileName: safeName(file) };
}

function fileOf(source: string): Source {
  const url = URL.parse(source);
  if (url === null) {
    throw new StudioError(
      'bad-input',
      `"${source}" is neither an address nor a Hugging Face id.`,
      'Paste an https:// address, or owner/name/file.',
    );
  }
  return { url: url.href, fileName: safeName(decoded(url.pathname)) };
}

/** As it is where its percent signs mean nothing. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** In UTF-8: file systems take names of 255 bytes, with what is put behind them. */
const MAX_NAME_BYTES = 200;
/** A longer one is no ending. */
const MAX_ENDING = 20;

/** The last part of a path without anything a file system could take for more than a name; a long one keeps its ending. */
export function safeName(path: string): string {
  const name = (path.split(/[\\/]/).at(-1) ?? '').replace(/[^\p{L}\p{N} ._()-]/gu, '_').replace(/^\.+/, '');
  const found = extname(name);
  const ending = found.length > MAX_ENDING ? '' : found;
  let stem = '';
  let left = MAX_NAME_BYTES - Buffer.byteLength(ending);
  for (const letter of name.slice(0, name.length - ending.length)) {
    left -= Buffer.byteLength(letter);
    if (left < 0) break;
    stem += letter;
  }
  return stem + ending || 'download.safetensors';
}

const listing = z.object({ siblings: z.array(z.object({ rfilename: z.string() })).max(20_000) });

async function onlyModelFile(gate: Gate, hosts: Hosts, id: string): Promise<string> {
  const answer = await readJson(gate, `${hosts.huggingFace}/api/models/${id}`, listing);
  const files = answer.siblings
    .map(({ rfilename }) => rfilename)
    .filter((file) => file.endsWith('.safetensors'));
  const atRoot = files.filter((file) => !file.includes('/'));
  const [only] = atRoot.length > 0 ? atRoot : files;
  if (only !== undefined && (atRoot.length === 1 || files.length === 1)) return only;
  const some = files.slice(0, 8).join(', ');
  throw new StudioError(
    'not-found',
    `${id} has ${files.length} model files${some && `: ${some}`}.`,
    `Name one of them: ${id}/FILE.`,
  );
}

/** A small JSON answer of the expected shape. @throws StudioError. */
export async function readJson<Shape>(gate: Gate, url: string, shape: z.ZodType<Shape>): Promise<Shape> {
  const { response, count } = await gate.get(url, {
    purpose: 'lookup',
    headers: { accept: 'application/json' },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new StudioError(
      response.status === 404 ? 'not-found' : 'network',
      `${url} answers ${response.status}.`,
      'Check the name, or try again later.',
    );
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER)
      throw new StudioError('too-large', `${url} answers with more than 4 MiB.`, 'Use another source.');
    parts.push(chunk);
  }
  count(bytes);
  try {
    return shape.parse(JSON.parse(Buffer.concat(parts).toString('utf8')));
  } catch (error) {
    throw new StudioError('network', `${url} answers in an unknown form.`, 'Try again later.', String(error));
  }
}
