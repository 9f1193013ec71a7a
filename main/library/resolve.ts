/** From a ModelRef in a request to a file on this machine: by hash, then by path, then by name. */
import { existsSync } from 'node:fs';
import { StudioError } from '../../preload/errors.ts';
import type { ModelBase, ModelType } from '../../preload/models.ts';
import type { GenerationRequest, ModelRef, UpscaleRequest } from '../../preload/request.ts';
import type { ReadableDb, SqlValue } from '../storage/database.ts';

export interface ResolvedModel {
  readonly id: number;
  readonly name: string;
  readonly path: string;
  readonly type: ModelType;
  readonly base: ModelBase;
  readonly sha256: string | null;
  readonly bytes: number;
  /** Of most of its tensors. */
  readonly dtype: string;
  readonly variant: string;
  readonly state: string;
}

const SELECT = `SELECT id, file_name AS name, path, coalesce(user_type, type) AS type, coalesce(user_base, base) AS base,
  sha256, bytes, dtype, variant, state FROM models m`;

/** Longer than any path; SQLite compares no patterns of any length. */
const MAX_NAME = 4096;

/**
 * The library's best match, or undefined. A short hash of another tool (10 or 12 hex digits) may stand in `hash`.
 * Names are compared without folder, ending and case, as A1111 and ComfyUI both write them; of several models with one
 * name the one of the `type` that is looked for wins.
 */
export function resolveModel(
  db: ReadableDb,
  ref: ModelRef,
  hash?: string,
  type?: ModelType,
): ResolvedModel | undefined {
  const by = (where: string, ...values: SqlValue[]) =>
    db.get<ResolvedModel>(
      `${SELECT} WHERE (${where}) AND state <> 'missing'
       ORDER BY state = 'ready' DESC, coalesce(user_type, type) = ? DESC, id LIMIT 1`,
      ...values,
      type ?? '',
    );
  const digits = (ref.sha256 ?? hash ?? '').toLowerCase();
  if (/^[0-9a-f]{8,64}$/.test(digits)) {
    const end = `${digits}g`; // 'g' sorts after every hex digit: a prefix as a range, which the index answers
    const found =
      by('sha256 >= ? AND sha256 < ?', digits, end) ??
      by('auto_v3 >= ? AND auto_v3 < ?', digits.slice(0, 12), `${digits.slice(0, 12)}g`);
    if (found !== undefined) return found;
  }
  if (ref.path !== undefined) {
    const found = by('path = ?', ref.path);
    if (found !== undefined) return found;
  }
  if (ref.name.length > MAX_NAME) return undefined;
  const name = (ref.name.split(/[\\/]/).at(-1) ?? ref.name).replace(/[\\%_]/g, '\\$&');
  return (
    by('file_name = ? COLLATE NOCASE', ref.name.split(/[\\/]/).at(-1) ?? ref.name) ??
    by("file_name LIKE ? ESCAPE '\\' OR m.name LIKE ? ESCAPE '\\'", `${name}.%`, name)
  );
}

/** As resolveModel. @throws StudioError `unknown-model` naming the model, or saying that the file is broken or gone. */
export function requireModel(db: ReadableDb, ref: ModelRef, type?: ModelType): ResolvedModel {
  const found = resolveModel(db, ref, undefined, type);
  if (found === undefined) {
    throw new StudioError(
      'unknown-model',
      `The model "${ref.name}" is not in the library.`,
      'Add the folder or file that holds it, or choose another model.',
    );
  }
  if (found.state === 'broken' || !existsSync(found.path)) {
    throw new StudioError(
      'unknown-model',
      `The file of "${ref.name}" is ${found.state === 'broken' ? 'damaged' : 'gone'}: ${found.path}.`,
      'Download or copy it again, then rescan its folder.',
    );
  }
  return found;
}

/** Every model a request names, with what it is meant to be. */
export function modelsOf(request: GenerationRequest | UpscaleRequest): { field: ModelType; ref: ModelRef }[] {
  if (request.kind === 'upscale') return [{ field: 'upscaler', ref: request.upscaler }];
  const { secondPass } = request;
  return [
    { field: 'checkpoint' as const, ref: request.checkpoint },
    ...(request.vae ? [{ field: 'vae' as const, ref: request.vae }] : []),
    ...request.loras.map(({ model }) => ({ field: 'lora' as const, ref: model })),
    ...request.embeddings.map((ref) => ({ field: 'embedding' as const, ref })),
    ...request.controls.map(({ model }) => ({ field: 'controlnet' as const, ref: model })),
    ...(secondPass && secondPass.upscaler !== 'latent'
      ? [{ field: 'upscaler' as const, ref: secondPass.upscaler }]
      : []),
  ];
}
