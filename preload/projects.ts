/** Canvas projects: a snapshot of the document, and the log of actions since. The window owns their meaning; here they are JSON. */
import { z } from 'zod';

/** One action of the log with what undoes it; both are the document's own JSON. */
export const projectActionSchema = z.object({
  /** "Brush stroke": names the entry in the undo menu. */
  label: z.string().max(200),
  /** Patches that do it, and that undo it. */
  forward: z.json(),
  backward: z.json(),
});
export type ProjectAction = z.infer<typeof projectActionSchema>;

export const projectSchema = z.object({
  id: z.int(),
  name: z.string(),
  width: z.int(),
  height: z.int(),
  created: z.number(),
  modified: z.number(),
  thumbnailUrl: z.string().nullable(),
  /** Where it was last saved as a file; empty when never. */
  file: z.string(),
});
export type Project = z.infer<typeof projectSchema>;

export const openProjectSchema = z.object({
  project: projectSchema,
  /** The document after action `snapshotSeq`; null for a new project. */
  document: z.json().nullable(),
  snapshotSeq: z.int(),
  /** Every logged action, oldest first; action i has sequence number firstSeq + i. */
  firstSeq: z.int(),
  actions: z.array(projectActionSchema),
  /** Actions up to this number are done, later ones undone (redo). */
  cursor: z.int(),
});
export type OpenProject = z.infer<typeof openProjectSchema>;

export const appendActionsSchema = z.object({
  id: z.int(),
  /** The cursor the window believes in; another value means a second window wrote: `conflict`. */
  after: z.int(),
  /** Actions beyond `after` (undone ones) are dropped, these take their place. */
  actions: z.array(projectActionSchema).min(1).max(1000),
});
