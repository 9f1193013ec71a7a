/** Writes zip archives of stored entries the way torch does: data aligned to 64 bytes by an extra field. */

type Entry = readonly [name: string, bytes: Uint8Array];

/** `wide` writes every size and place as 64-bit fields, as archives beyond 4 GiB have them. */
export function zipBytes(entries: readonly Entry[], wide = false, method = 0): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const records: Uint8Array[] = [];
  let at = 0;
  const push = (part: Uint8Array): void => {
    parts.push(part);
    at += part.length;
  };
  for (const [name, bytes] of entries) {
    records.push(directoryRecord(name, bytes.length, at, wide, method));
    const local = [
      u32(0x04034b50),
      u16(45),
      u16(0),
      u16(method),
      u32(0),
      u32(0),
      u32(bytes.length),
      u32(bytes.length),
    ];
    const text = new TextEncoder().encode(name);
    const padding = 64 - ((at + 30 + text.length + 4) % 64);
    push(
      concat([
        ...local,
        u16(text.length),
        u16(4 + padding),
        text,
        u16(0x4246),
        u16(padding),
        new Uint8Array(padding),
      ]),
    );
    push(bytes);
  }
  const start = at;
  records.forEach(push);
  const size = at - start;
  if (wide) {
    push(
      concat([
        u32(0x06064b50),
        u64(44),
        u16(45),
        u16(45),
        u32(0),
        u32(0),
        u64(entries.length),
        u64(entries.length),
        u64(size),
        u64(start),
      ]),
    );
    push(concat([u32(0x07064b50), u32(0), u64(start + size), u32(1)]));
  }
  const count = u16(wide ? 0xffff : entries.length);
  push(
    concat([
      u32(0x06054b50),
      u16(0),
      u16(0),
      count,
      count,
      u32(wide ? 0xffffffff : size),
      u32(wide ? 0xffffffff : start),
      u16(0),
    ]),
  );
  return concat(parts);
}

function directoryRecord(
  name: string,
  size: number,
  header: number,
  wide: boolean,
  method: number,
): Uint8Array {
  const text = new TextEncoder().encode(name);
  const extra = wide ? concat([u16(1), u16(24), u64(size), u64(size), u64(header)]) : new Uint8Array();
  const narrow = (value: number): Uint8Array => u32(wide ? 0xffffffff : value);
  const front = [
    u32(0x02014b50),
    u16(45),
    u16(45),
    u16(0),
    u16(method),
    u32(0),
    u32(0),
    narrow(size),
    narrow(size),
  ];
  const back = [u16(text.length), u16(extra.length), u16(0), u16(0), u16(0), u32(0), narrow(header)];
  return concat([...front, ...back, text, extra]);
}

function u16(value: number): Uint8Array {
  return new Uint8Array(Uint16Array.of(value).buffer);
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function u64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}
