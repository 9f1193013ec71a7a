/** What the studio remarks about a finished job (a word of the prompt it does not know, a device it did without) is told once. */
import { showInfo } from '../stores/notices.ts';
import { onEvent } from '../stores/studio.ts';

/** That a LoRA was applied whole is no news; its chip says so too. */
const EXPECTED = /: applied (\d+) of \1 tensors$/;

/** Starts listening; call once. */
export function startRemarks(): void {
  const told = new Set<string>();
  onEvent((event) => {
    // How a training went stands on its own page.
    if (event.type !== 'job' || event.job.state !== 'done' || event.job.request.kind === 'train-lora') return;
    for (const note of event.job.notes) {
      if (EXPECTED.test(note) || told.has(note)) continue;
      told.add(note);
      showInfo(note);
    }
  });
}
