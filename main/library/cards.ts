/** Model cards: rows of `models` as the window sees them. What the user typed wins over what was found. */
import { StudioError } from '../../preload/errors.ts';
import type { ModelCard, ModelDetail, ModelPatch, ModelQuery } from '../../preload/models.ts';
import type { ReadableDb, SqlValue, WritableDb } from '../storage/database.ts';
import type { FileUrls } from '../storage/urls.ts';

export interface ModelRow {
  id: number;
  folder_id: number;
  path: string;
  file_name: string;
  name: string;
  type: ModelCard['type'];
  base: ModelCard['base'];
  variant: string;
  prediction: ModelCard['predictionType'];
  dtype: string;
  bytes: number;
  modified: number;
  state: ModelCard['state'];
  reason: string;
  sha256: string | null;
  auto_v3: string | null;
  found_triggers: string;
  triggers_guessed: number;
  user_triggers: string | null;
  notes: string;
  favourite: number;
  defaults: string;
  found_preview: string | null;
  user_preview: string | null;
  uses: number;
  last_used: number | null;
  tags: string;
}

const COLUMNS = `m.id, m.folder_id, m.path, m.file_name, m.name, coalesce(m.user_type, m.type) AS type,
  coalesce(m.user_base, m.base) AS base, m.variant, m.prediction, m.dtype, m.bytes, m.modified, m.state, m.reason,
  m.sha256, m.auto_v3, m.found_triggers, m.triggers_guessed, m.user_triggers, m.notes, m.favourite, m.defaults,
  m.found_preview, m.user_preview, m.uses, m.last_used,
  (SELECT json_group_array(tag) FROM model_tags WHERE model_id = m.id) AS tags`;

/** The name requests use: the file name without its ending. */
export function modelStem(fileName: string): string {
  return fileName.replace(/\.[^.]+$/, '');
}

/** A row of `models` as the window sees it. */
export function toCard(row: ModelRow, urls: FileUrls): ModelCard {
  const { path, sha256, file_name } = row;
  const preview = row.user_preview ?? row.found_preview;
  return {
    id: row.id,
    ref: { name: modelStem(file_name), path, ...(sha256 !== null && { sha256 }) },
    name: row.name || modelStem(file_name),
    fileName: file_name,
    path,
    folderId: row.folder_id,
    ...{
      type: row.type,
      base: row.base,
      variant: row.variant,
      predictionType: row.prediction,
      dtype: row.dtype,
    },
    ...{ bytes: row.bytes, modified: row.modified, state: row.state, reason: row.reason },
    sha256,
    autoV2: sha256?.slice(0, 10) ?? null,
    autoV3: row.auto_v3,
    triggers: JSON.parse(row.user_triggers ?? row.found_triggers),
    triggersGuessed: row.user_triggers === null && row.triggers_guessed !== 0,
    tags: JSON.parse(row.tags),
    notes: row.notes,
    favourite: row.favourite !== 0,
    defaults: JSON.parse(row.defaults),
    previewUrl: preview === null ? null : urls.of('model', String(row.id)),
    uses: row.uses,
    lastUsed: row.last_used,
  };
}

/** @throws StudioError `not-found`. */
export function readCard(db: ReadableDb, urls: FileUrls, id: number): ModelCard {
  const row = db.get<ModelRow>(`SELECT ${COLUMNS} FROM models m WHERE m.id = ?`, id);
  if (row === undefined) throw noModel(id);
  return toCard(row, urls);
}

const ORDERS: Readonly<Record<ModelQuery['sort'], string>> = {
  name: "CASE m.name WHEN '' THEN m.file_name ELSE m.name END COLLATE NOCASE, m.id",
  modified: 'm.modified DESC, m.id',
  used: 'm.last_used IS NULL, m.last_used DESC, m.uses DESC, m.id',
  size: 'm.bytes DESC, m.id',
};

/** One page of the models that `query` asks for, and how many there are in all. */
export function listCards(
  db: ReadableDb,
  urls: FileUrls,
  query: ModelQuery,
): { items: ModelCard[]; total: number } {
  const { where, values } = conditionsOf(db, query);
  const total = db.value<number>(`SELECT count(*) FROM models m WHERE ${where}`, ...values) ?? 0;
  const rows = db.all<ModelRow>(
    `SELECT ${COLUMNS} FROM models m WHERE ${where} ORDER BY ${ORDERS[query.sort]} LIMIT ? OFFSET ?`,
    ...values,
    query.limit,
    query.offset,
  );
  return { items: rows.map((row) => toCard(row, urls)), total };
}

/** Cards by any condition on `models m`. */
export function cardsWhere(
  db: ReadableDb,
  urls: FileUrls,
  where: string,
  ...values: SqlValue[]
): ModelCard[] {
  const rows = db.all<ModelRow>(`SELECT ${COLUMNS} FROM models m WHERE ${where} LIMIT 5000`, ...values);
  return rows.map((row) => toCard(row, urls));
}

function conditionsOf(db: ReadableDb, query: ModelQuery): { where: string; values: SqlValue[] } {
  const parts: string[] = ['1'];
  const values: SqlValue[] = [];
  const add = (sql: string, ...given: SqlValue[]) => {
    parts.push(sql);
    values.push(...given);
  };
  const list = (expression: string, given: readonly string[]) => {
    if (given.length > 0) add(`${expression} IN (SELECT value FROM json_each(?))`, JSON.stringify(given));
  };
  list('coalesce(m.user_type, m.type)', query.types);
  list('coalesce(m.user_base, m.base)', query.bases);
  list('m.state', query.states);
  for (const tag of query.tags) add('m.id IN (SELECT model_id FROM model_tags WHERE tag = ?)', tag);
  if (query.folderId !== undefined) add('m.folder_id = ?', query.folderId);
  if (query.favourites) add('m.favourite = 1');
  for (const word of query.text.split(/\s+/).filter((part) => part !== '')) {
    const pattern = `%${word.replace(/[\\%_]/g, '\\$&')}%`;
    add(
      `(m.name || ' ' || m.file_name || ' ' || m.notes || ' ' || coalesce(m.user_triggers, m.found_triggers)) LIKE ? ESCAPE '\\'`,
      pattern,
    );
  }
  if (query.fitsCheckpoint !== undefined) {
    const base = db.value<string>(
      'SELECT coalesce(user_base, base) FROM models WHERE id = ?',
      query.fitsCheckpoint,
    );
    if (base === undefined) throw noModel(query.fitsCheckpoint);
    list('coalesce(m.user_base, m.base)', [base, 'unknown', 'other']);
  }
  return { where: parts.join(' AND '), values };
}

/** @throws StudioError `not-found`. */
export function readDetail(db: ReadableDb, urls: FileUrls, id: number): ModelDetail {
  const card = readCard(db, urls, id);
  const row = db.get<{ description: string; metadata: string; tag_frequency: string; tensor_count: number }>(
    'SELECT description, metadata, tag_frequency, tensor_count FROM models WHERE id = ?',
    id,
  );
  if (row === undefined) throw noModel(id);
  return {
    ...card,
    description: row.description,
    metadata: JSON.parse(row.metadata),
    tagFrequency: JSON.parse(row.tag_frequency),
    tensorCount: row.tensor_count,
    duplicates: db.column<number>(
      'SELECT id FROM models WHERE id <> ? AND coalesce(auto_v3, sha256) = (SELECT coalesce(auto_v3, sha256) FROM models WHERE id = ?)',
      id,
      id,
    ),
  };
}

/** Changes what the user may change; other fields stay. @throws StudioError `not-found`. */
export function updateCard(db: WritableDb, id: number, patch: ModelPatch): void {
  const columns: [string, SqlValue][] = [];
  if (patch.name !== undefined) columns.push(['name', patch.name]);
  if (patch.notes !== undefined) columns.push(['notes', patch.notes]);
  if (patch.triggers !== undefined) columns.push(['user_triggers', JSON.stringify(patch.triggers)]);
  if (patch.favourite !== undefined) columns.push(['favourite', patch.favourite ? 1 : 0]);
  if (patch.defaults !== undefined) columns.push(['defaults', JSON.stringify(patch.defaults)]);
  if (patch.type !== undefined) columns.push(['user_type', patch.type]);
  if (patch.base !== undefined) columns.push(['user_base', patch.base]);
  db.transaction(() => {
    if (db.value('SELECT 1 FROM models WHERE id = ?', id) === undefined) throw noModel(id);
    for (const [column, value] of columns) db.run(`UPDATE models SET ${column} = ? WHERE id = ?`, value, id);
    if (patch.tags === undefined) return;
    db.run('DELETE FROM model_tags WHERE model_id = ?', id);
    for (const tag of patch.tags) db.run('INSERT OR IGNORE INTO model_tags VALUES (?, ?)', id, tag);
  });
}

/** Counts a use in a finished picture. */
export function countUse(db: WritableDb, path: string, now: number): void {
  db.run('UPDATE models SET uses = uses + 1, last_used = ? WHERE path = ?', now, path);
}

export function readModelFacets(db: ReadableDb) {
  const facet = (expression: string, table = 'models m') =>
    db.all<{ value: string; count: number }>(
      `SELECT ${expression} AS value, count(*) AS count FROM ${table} GROUP BY 1 ORDER BY count DESC, value`,
    );
  return {
    types: facet('coalesce(m.user_type, m.type)'),
    bases: facet('coalesce(m.user_base, m.base)'),
    states: facet('m.state'),
    tags: facet('t.tag', 'model_tags t'),
  };
}

export function noModel(id: number): StudioError {
  return new StudioError(
    'not-found',
    `There is no model ${id}.`,
    'Reload the library; it may have been removed.',
  );
}
