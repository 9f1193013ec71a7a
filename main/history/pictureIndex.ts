/**
 * The filterable columns of every picture in typed arrays, so that any filter, page or facet is one pass over memory:
 * 100 000 pictures are 4 MB and 2 ms, where SQL needs 50–300 ms to group them. SQLite stays the truth; `refresh` follows it.
 */
import type { ReadableDb } from '../storage/database.ts';

/** Texts as small numbers, in order of appearance. */
export interface Dictionary {
  readonly texts: string[];
  readonly codes: Map<string, number>;
}

/** One entry a picture, by slot. */
export interface PictureColumns {
  readonly id: Int32Array;
  readonly created: Float64Array;
  readonly rating: Uint8Array;
  readonly deleted: Uint8Array;
  readonly model: Int32Array;
  readonly sampler: Int32Array;
  readonly size: Int32Array;
  readonly kind: Int32Array;
  readonly month: Int32Array;
}

export const FACET_COLUMNS = ['model', 'sampler', 'size', 'kind', 'month'] as const;
export type FacetColumn = (typeof FACET_COLUMNS)[number];

interface IndexRow {
  id: number;
  created: number;
  rating: number;
  deleted: number;
  model: string;
  sampler: string;
  size: string;
  kind: string;
  month: string;
}

const SELECT = 'SELECT id, created, rating, deleted, model, sampler, size, kind, month FROM pictures';
/** A removed picture keeps its slot with this mark, which no filter asks for. */
const REMOVED = 2;

/** Follows the `pictures` table; about 150 ms to load for 100 000 of them. */
export class PictureIndex {
  readonly #db: ReadableDb;
  #slots = new Int32Array(1024).fill(-1);
  #size = 0;
  #order: Int32Array | null = null;
  #columns = allocate(1024);
  readonly #loras = new Map<number, number[]>();
  readonly dictionaries: Readonly<Record<FacetColumn | 'lora', Dictionary>>;

  constructor(db: ReadableDb) {
    this.#db = db;
    this.dictionaries = {
      model: empty(),
      sampler: empty(),
      size: empty(),
      kind: empty(),
      month: empty(),
      lora: empty(),
    };
    for (const row of db.all<IndexRow>(`${SELECT} ORDER BY id`)) this.#put(row);
    this.#putLoras(db.all('SELECT name, picture_id FROM picture_loras'));
  }

  get columns(): PictureColumns {
    return this.#columns;
  }

  get size(): number {
    return this.#size;
  }

  /** LoRA codes of a slot. */
  lorasOf(slot: number): readonly number[] {
    return this.#loras.get(slot) ?? [];
  }

  /** Slots in the order of creation, oldest first. */
  order(): Int32Array {
    this.#order ??= sortedByCreation(this.#columns, this.#size);
    return this.#order;
  }

  slotOf(id: number): number | undefined {
    const slot = this.#slots[id];
    return slot === -1 ? undefined : slot;
  }

  /** Reads these pictures again; removed ones are dropped. */
  refresh(ids: readonly number[]): void {
    const list = JSON.stringify(ids);
    for (const id of ids) {
      const slot = this.slotOf(id);
      if (slot === undefined) continue;
      this.#columns.deleted[slot] = REMOVED;
      this.#loras.delete(slot);
    }
    const chosen = '(SELECT value FROM json_each(?))';
    for (const row of this.#db.all<IndexRow>(`${SELECT} WHERE id IN ${chosen}`, list)) this.#put(row);
    this.#putLoras(
      this.#db.all(`SELECT name, picture_id FROM picture_loras WHERE picture_id IN ${chosen}`, list),
    );
  }

  #put(row: IndexRow): void {
    const known = this.slotOf(row.id);
    const slot = known ?? this.#size++;
    if (slot >= this.#columns.id.length) this.#columns = grown(this.#columns);
    if (row.id >= this.#slots.length) this.#slots = longer(this.#slots, row.id + 1);
    const columns = this.#columns;
    if (known === undefined || columns.created[slot] !== row.created) this.#order = null;
    this.#slots[row.id] = slot;
    columns.id[slot] = row.id;
    columns.created[slot] = row.created;
    columns.rating[slot] = row.rating;
    columns.deleted[slot] = row.deleted;
    for (const name of FACET_COLUMNS) columns[name][slot] = codeOf(this.dictionaries[name], row[name]);
  }

  #putLoras(rows: readonly { name: string; picture_id: number }[]): void {
    for (const { name, picture_id } of rows) {
      const slot = this.slotOf(picture_id);
      if (slot === undefined) continue;
      const codes = this.#loras.get(slot) ?? [];
      codes.push(codeOf(this.dictionaries.lora, name));
      this.#loras.set(slot, codes);
    }
  }
}

function empty(): Dictionary {
  return { texts: [], codes: new Map() };
}

function codeOf({ texts, codes }: Dictionary, text: string): number {
  const known = codes.get(text);
  if (known !== undefined) return known;
  codes.set(text, texts.length);
  return texts.push(text) - 1;
}

function allocate(length: number): PictureColumns {
  const codes = () => new Int32Array(length);
  return {
    id: codes(),
    created: new Float64Array(length),
    rating: new Uint8Array(length),
    deleted: new Uint8Array(length),
    ...{ model: codes(), sampler: codes(), size: codes(), kind: codes(), month: codes() },
  };
}

function grown(columns: PictureColumns): PictureColumns {
  const larger = allocate(columns.id.length * 2);
  for (const name of Object.keys(columns) as (keyof PictureColumns)[]) larger[name].set(columns[name]);
  return larger;
}

/** Ids grow without gaps worth mentioning, so an array by id serves as a map. */
function longer(slots: Int32Array<ArrayBuffer>, atLeast: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(atLeast, slots.length * 2)).fill(-1);
  larger.set(slots);
  return larger;
}

function sortedByCreation({ created, id }: PictureColumns, size: number): Int32Array {
  const order = Int32Array.from({ length: size }, (_, slot) => slot);
  const inOrder = order.every((slot) => slot === 0 || created[slot - 1]! <= created[slot]!);
  if (inOrder) return order;
  return order.sort((a, b) => created[a]! - created[b]! || id[a]! - id[b]!);
}
