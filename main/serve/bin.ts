/** The system's bin without Electron: freedesktop's trash on Linux, ~/.Trash on macOS, the recycle bin on Windows. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Moves a file to the bin. Throws when the system refuses; the file is then still there. */
export async function moveToSystemBin(file: string): Promise<void> {
  const path = resolve(file);
  if (process.platform === 'win32') return recycle(path);
  if (process.platform === 'darwin') return moveInto(join(homedir(), '.Trash'), path);
  const trash = join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'Trash');
  await mkdir(join(trash, 'info'), { recursive: true });
  const name = freeName(join(trash, 'files'), basename(path));
  // The freedesktop specification wants the note first, so that a file in the bin always has one.
  const date = new Date().toISOString().slice(0, 19);
  const note = `[Trash Info]\nPath=${path.split('/').map(encodeURIComponent).join('/')}\nDeletionDate=${date}\n`;
  await writeFile(join(trash, 'info', `${name}.trashinfo`), note, { flag: 'wx' });
  await moveInto(join(trash, 'files'), path, name);
}

async function moveInto(
  folder: string,
  path: string,
  name = freeName(folder, basename(path)),
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const target = join(folder, name);
  try {
    await rename(path, target);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
    await cp(path, target);
    await rm(path);
  }
}

function freeName(folder: string, name: string): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}.${number}`;
    if (!existsSync(join(folder, candidate))) return candidate;
  }
}

async function recycle(path: string): Promise<void> {
  const script =
    'Add-Type -AssemblyName Microsoft.VisualBasic; [Microsoft.VisualBasic.FileIO.FileSystem]::DeleteFile($args[0], "OnlyErrorDialogs", "SendToRecycleBin")';
  await promisify(execFile)('powershell.exe', [
    '-NoProfile',
    '-NonInteractive',
    '-Command',
    `& { ${script} } '${path.replaceAll("'", "''")}'`,
  ]);
}
