/** Fills a history with made-up but lifelike pictures: skewed models and words, 1–3 LoRAs on half of them. */
import type { WritableDb } from '../../main/storage/database.ts';
import { randomFraction } from './random.ts';

const WORDS =
  'castle river forest portrait woman man cat dog robot city neon sunset dawn storm sea boat mountain snow garden flower dragon knight wizard street rain night moon star space ship desert temple bridge tower horse bird fish library window light shadow gold silver crimson azure emerald watercolor oil sketch photo cinematic detailed soft sharp ancient modern'.split(
    ' ',
  );
const SAMPLERS = ['euler', 'euler_ancestral', 'dpmpp_2m', 'dpmpp_sde', 'ddim', 'uni_pc'];
const SIZES = [
  [512, 512],
  [512, 768],
  [768, 512],
  [768, 768],
  [1024, 1024],
] as const;

/** Writes `count` pictures (records only, no files) created one minute apart, the last at `end`. Deterministic. */
export function fillHistory(db: WritableDb, count: number, end = Date.UTC(2026, 10, 1)): void {
  const random = randomFraction(1);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() ** 2 * list.length)] as T;
  db.transaction(() => {
    for (let i = 1; i <= count; i++) {
      const created = end - (count - i) * 60_000;
      const [width, height] = pick(SIZES);
      const prompt = Array.from({ length: 12 }, () => pick(WORDS)).join(', ');
      const model = `model ${Math.floor(random() ** 3 * 40)}`;
      const { id } = db.run(
        `INSERT INTO pictures (file, sha256, kind, created, width, height, month, model, sampler, seed, rating, deleted)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[
          `${i}.png`,
          i.toString(16).padStart(64, '0'),
          pick(['text-to-image', 'inpaint', 'image-to-image', 'upscale']),
        ],
        ...[
          created,
          width,
          height,
          new Date(created).toISOString().slice(0, 7),
          model,
          pick(SAMPLERS),
          String(i),
        ],
        ...[pick([0, 0, 0, 3, 4, 5]), random() < 0.02 ? 1 : 0],
      );
      const request = JSON.stringify({ kind: 'text-to-image', prompt, padding: 'x'.repeat(900) });
      db.run(
        'INSERT INTO picture_details VALUES (?, ?, ?, ?, ?, ?, ?)',
        id,
        prompt,
        'blurry, low quality',
        request,
        prompt,
        'Emulsion',
        400_000,
      );
      if (random() < 0.5) {
        for (let lora = 0; lora < 1 + Math.floor(random() * 3); lora++) {
          db.run(
            'INSERT OR IGNORE INTO picture_loras VALUES (?, ?)',
            `lora ${Math.floor(random() ** 2 * 60)}`,
            id,
          );
        }
      }
    }
  });
}
