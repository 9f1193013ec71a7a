/** `emulsion serve`: the studio for a browser on this machine, over the same contract as the installed app. */
import { join } from 'node:path';
import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { badInput } from '../engine/border/failures.ts';
import { launchBehindWindow } from '../engine/border/launch.ts';
import { startServer } from '../serve/serve.ts';
import { defaultDataRoot } from '../storage/dataFolder.ts';
import { buildWindow, PROJECT_ROOT } from './build.ts';

export interface ServeOptions {
  readonly port: number;
  readonly data?: string;
  readonly token?: string;
  readonly allowHost?: readonly string[];
  readonly api: boolean;
}

/** What goes into an address as it is, and cannot be left empty by a variable that is not set. */
const SECRET = /^[\w.~-]{8,}$/;

export function serveCommand(): Command {
  return addServeOptions(
    new Command('serve').description('open the studio in a browser on this machine'),
  ).action(async (options: ServeOptions) => void (await serve(options)));
}

/** The options that `start` shares. */
export function addServeOptions(command: Command): Command {
  return command
    .option('--port <n>', '0 = any free port', Number, 0)
    .option(
      '--data <folder>',
      'where pictures, models and settings lie; default: EMULSION_DATA or the system’s place',
    )
    .option('--token <secret>', 'the secret in the address; default: a new one each time')
    .option('--allow-host <name...>', 'other host names under which a proxy hands requests on')
    .option('--no-api', 'without the interfaces of A1111 and ComfyUI for other programs');
}

/** Serves until Ctrl-C; prints the address and returns it. */
export async function serve({ port, data, token, allowHost, api }: ServeOptions): Promise<string> {
  if (!(Number.isInteger(port) && port >= 0 && port < 65536))
    throw badInput('--port is no whole number from 0 to 65535.', '0 = any free port.');
  if (token !== undefined && !SECRET.test(token))
    throw badInput(
      '--token needs at least 8 letters, digits or _ . ~ -',
      'Leave it out for a new one each time.',
    );
  const windowDir = join(PROJECT_ROOT, 'out', 'renderer');
  await buildWindow();
  const server = await startServer({
    dataRoot: data ?? defaultDataRoot(process.env, process.platform),
    launchEngine: launchBehindWindow,
    starterDir: join(PROJECT_ROOT, 'starter'),
    version: packageJson.version,
    windowDir,
    port,
    api,
    ...(token !== undefined && { token }),
    ...(allowHost && { allowedHosts: allowHost }),
  });
  console.log(`Emulsion is open at ${server.url}`);
  console.log('Stop with Ctrl-C; queue, pictures and undo are kept.');
  const close = (): void => void server.close().then(() => process.exit(0));
  process.once('SIGINT', close);
  process.once('SIGTERM', close);
  return server.url;
}
