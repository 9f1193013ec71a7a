/** Asks Civitai what a file is, by its hash, when the user clicks for it. */
import { z } from 'zod';
import { StudioError } from '../../preload/errors.ts';
import type { WritableDb } from '../storage/database.ts';
import type { Gate } from './gate.ts';
import { type Hosts, readJson } from './sources.ts';

const versionSchema = z.object({
  trainedWords: z.array(z.string().max(500)).max(200).optional(),
  description: z.string().nullish(),
  model: z.object({ name: z.string().max(300) }).optional(),
});

/** Fills in name, triggers and description where the user has written none. @throws StudioError. */
export async function lookUpModel(db: WritableDb, gate: Gate, hosts: Hosts, id: number): Promise<void> {
  const sha256 = db.value<string | null>('SELECT sha256 FROM models WHERE id = ?', id);
  if (!sha256) {
    throw new StudioError(
      'conflict',
      `Model ${id} has no hash yet.`,
      'Wait until the background hashing has reached it.',
    );
  }
  const found = await readJson(
    gate,
    `${hosts.civitai}/api/v1/model-versions/by-hash/${sha256}`,
    versionSchema,
  );
  const text = (found.description ?? '')
    .replace(/<[^>]*>/g, ' ')
    .trim()
    .slice(0, 20_000);
  db.transaction(() => {
    if (found.trainedWords) {
      db.run(
        'UPDATE models SET found_triggers = ?, triggers_guessed = 0 WHERE id = ?',
        JSON.stringify(found.trainedWords),
        id,
      );
    }
    if (found.model) db.run("UPDATE models SET name = ? WHERE id = ? AND name = ''", found.model.name, id);
    if (text !== '') db.run('UPDATE models SET description = ? WHERE id = ?', text, id);
  });
}
