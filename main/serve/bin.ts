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
  // The freedesktop specification wants the note first, so that a file in the bin always has one.
  const { name, note } = await writeNote(trash, path);
  try {
    await moveInto(join(trash, 'files'), path, name);
  } catch (error) {
    await rm(note, { force: true });
    throw error;
  }
}

/** The note claims the name: of two files that are called alike and go at once, one takes the next number. */
async function writeNote(trash: string, path: string): Promise<{ name: string; note: string }> {
  const date = new Date().toISOString().slice(0, 19);
  const text = `[Trash Info]\nPath=${path.split('/').map(encodeURIComponent).join('/')}\nDeletionDate=${date}\n`;
  for (let number = 1; ; number++) {
    const name = numbered(basename(path), number);
    const note = join(trash, 'info', `${name}.trashinfo`);
    if (existsSync(join(trash, 'files', name))) continue;
    try {
      await writeFile(note, text, { flag: 'wx' });
      return { name, note };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

const numbered = (name: string, number: number): string => (number === 1 ? name : `${name}.${number}`);

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
    // A copy that breaks off leaves the original where it is, and nothing in the bin.
    await cp(path, target, { force: false, errorOnExist: true }).catch(async (reason: unknown) => {
      await rm(target, { force: true });
      throw reason;
    });
    await rm(path);
  }
}

function freeName(folder: string, name: string): string {
  for (let number = 1; ; number++) {
    const candidate = numbered(name, number);
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
