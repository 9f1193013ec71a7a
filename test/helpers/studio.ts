/** A whole studio for tests: real database, real files, real engine process, the tiny checkpoint in its library. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { launchEngine } from '../../main/engine/border/launch.ts';
import { type Server, type ServerOptions, startServer } from '../../main/serve/serve.ts';
import type { StudioClient } from '../../preload/contract.ts';
import type { Job } from '../../preload/jobs.ts';
import type { StudioEvent } from '../../preload/studio.ts';
import { tempFolder } from './tempFolder.ts';
import { TINY_CHECKPOINT } from './tinyModel.ts';

export interface TestStudio {
  readonly server: Server;
  readonly root: string;
  readonly client: StudioClient;
  readonly events: readonly StudioEvent[];
  /** `http://127.0.0.1:port`, without the token. */
  readonly origin: string;
  settled(id: number): Promise<Job>;
}

/** Starts a server with its data below a temporary folder; everything is closed when the test ends. */
export async function startStudio(
  options: Partial<ServerOptions> = {},
  root = tempFolder(),
  { scan = true } = {},
): Promise<TestStudio> {
  mkdirSync(join(root, 'data/models/checkpoints'), { recursive: true });
  cpSync(TINY_CHECKPOINT, join(root, 'data/models/checkpoints/tiny.safetensors'), { force: true });
  const server = await startServer({
    dataRoot: join(root, 'data'),
    launchEngine: () => launchEngine(),
    version: 'test',
    starterDir: join(root, 'starter'),
    watch: false,
    moveToBin: async (path) => rmSync(path),
    ...options,
  });
  onTestFinished(() => server.close());
  const events: StudioEvent[] = [];
  const { services, token } = server;
  onTestFinished(services.events.subscribe((event) => events.push(event)));
  if (scan) await services.library.rescan();
  const origin = server.url.split('/?')[0] ?? '';
  return {
    ...{ server, root, events, origin },
    client: await connect(origin, token),
    settled: (id) => services.jobs.settled(id, services.events.subscribe),
  };
}

/** The client as the window has it, over a real WebSocket. */
export async function connect(origin: string, token: string): Promise<StudioClient> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/rpc?token=${token}`);
  onTestFinished(() => socket.terminate());
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return createORPCClient(new RPCLink({ websocket: socket as unknown as globalThis.WebSocket }));
}
