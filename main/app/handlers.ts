/** The contract's calls, each one line into a service. Payloads are validated by the contract before they come here. */
import { readNetworkLog } from '../network/gate.ts';
import { readSettings } from '../storage/settings.ts';
import * as calls from './calls.ts';
import { historyHandlers } from './historyHandlers.ts';
import { done, os } from './implementer.ts';
import { libraryHandlers } from './libraryHandlers.ts';
import { dismissNotice } from './notices.ts';
import { selfTest } from './selfTest.ts';
import type { Services } from './services.ts';
import * as training from './training.ts';

/** The router that both transports carry. */
export function createRouter(s: Services) {
  return os.router({
    events: os.events.handler(({ signal }) => s.events.stream(signal)),
    app: {
      info: os.app.info.handler(() => calls.appInfo(s)),
      devices: os.app.devices.handler(() => calls.devices(s)),
      selfTest: os.app.selfTest.handler(() => selfTest(s)),
      memory: os.app.memory.handler(() => s.engines.memory()),
      dismissNotice: os.app.dismissNotice.handler(({ input }) => done(dismissNotice(s.db, input.id))),
      pick: os.app.pick.handler(async ({ input }) => ({
        paths: await s.options.shell.pick(input.what, input.name),
      })),
      reveal: os.app.reveal.handler(async ({ input }) => done(await s.options.shell.reveal(input.path))),
    },
    settings: {
      get: os.settings.get.handler(() => readSettings(s.db)),
      update: os.settings.update.handler(({ input }) => calls.changeSettings(s, input)),
    },
    ...libraryHandlers(s),
    ...historyHandlers(s),
    queue: queueHandlers(s),
    prompt: { tokens: os.prompt.tokens.handler(({ input }) => calls.tokens(input.text, input.emphasis)) },
    training: {
      start: os.training.start.handler(({ input }) => training.startTraining(s, input)),
      pause: os.training.pause.handler(({ input }) => s.jobs.pauseJob(input.id)),
      run: os.training.run.handler(({ input }) => training.trainingRun(s, input.id)),
      readFolder: os.training.readFolder.handler(({ input }) => training.trainingFolder(input.path)),
    },
    network: { log: os.network.log.handler(({ input }) => readNetworkLog(s.db, input.limit)) },
  });
}

function queueHandlers({ jobs }: Services) {
  const { queue } = os;
  return {
    list: queue.list.handler(() => jobs.list()),
    get: queue.get.handler(({ input }) => jobs.get(input.id)),
    add: queue.add.handler(({ input }) => jobs.add(input.request, input.at, input.target)),
    move: queue.move.handler(({ input }) => done(jobs.move(input.id, input.before))),
    cancel: queue.cancel.handler(({ input }) => jobs.cancel(input.id)),
    repeat: queue.repeat.handler(({ input }) => jobs.repeat(input.id)),
    continue: queue.continue.handler(({ input }) => jobs.continue(input.id)),
    pause: queue.pause.handler(() => done(jobs.pause())),
    resume: queue.resume.handler(() => done(jobs.resume())),
    stop: queue.stop.handler(({ input }) => done(jobs.stop(input.when))),
    clear: queue.clear.handler(({ input }) => done(jobs.clear(input.which))),
    plan: queue.plan.handler(({ input }) => jobs.plan(input.request)),
    timeline: queue.timeline.handler(({ input }) => [...jobs.timeline(input.id)]),
    candidates: queue.candidates.handler(({ input }) => jobs.candidates(input.projectId)),
    decide: queue.decide.handler(({ input }) => jobs.decide(input.id, input.picture)),
  };
}
