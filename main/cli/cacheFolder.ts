/** Where the command line keeps what can be made again. */
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

export const CACHE_FOLDER = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir() || tmpdir(), '.cache'),
  'emulsion',
);
