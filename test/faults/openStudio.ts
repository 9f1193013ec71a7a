/** The studio's services without a window, as the fault tests and their child processes open them. */
import { join } from 'node:path';
import { createServices, type ServiceOptions, type Services } from '../../main/app/services.ts';

export function openStudio(
  dataRoot: string,
  launchEngine: ServiceOptions['launchEngine'] = noEngine,
): Promise<Services> {
  return createServices({
    dataRoot,
    launchEngine,
    urls: { of: (kind, name) => `${kind}/${name}` },
    shell: {
      kind: 'serve',
      pick: async () => [],
      reveal: async () => undefined,
      moveToBin: async () => undefined,
    },
    version: 'test',
    starterDir: join(dataRoot, 'no starter'),
    watch: false,
  });
}

function noEngine(): never {
  throw new Error('no engine in this test');
}
