/** Where the window can see a stored file; Electron and serve each hand in their own. */
export interface FileUrls {
  /** `kind` and `name` are checked again when the URL is opened (see files/stored.ts). */
  of(kind: FileKind, name: string): string;
}

export const FILE_KINDS = ['picture', 'thumbnail', 'upload', 'model', 'outbox', 'sample'] as const;
export type FileKind = (typeof FILE_KINDS)[number];
