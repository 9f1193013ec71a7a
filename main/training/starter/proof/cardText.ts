/** The cards as Markdown: what each model is, how it was made, what it was measured to do; and the page that lists them. */
import { CARDS, type CardPlan } from '../cards.ts';
import type { TrainingRecord } from '../publish.ts';
import { type Goal, goalText, isReached } from './measures.ts';

/** What an evaluation found. */
export interface Measured {
  readonly title: string;
  readonly figures: Readonly<Record<string, number>>;
  readonly goals: Readonly<Record<string, Goal>>;
}

export interface Findings {
  /** By key of `measures`. */
  readonly measured: Readonly<Record<string, Measured>>;
  /** By stage of training. */
  readonly records: Readonly<Record<string, TrainingRecord>>;
}

const ABOUT = `# The starter models

Made by \`npm run starter:train\` from nothing: the project's own trainer, on pictures the project draws itself
(\`main/training/world\`). Measured by \`npm run starter:eval\`, which writes this page and the cards.

Prompts of the little world: a sky (day, sunset, night, dawn, overcast), a ground (sea, hills, desert, snow, city,
lavender), an object (boat, house, tree, cactus, car, balloon, rocket, mushroom) in a colour (red, orange, yellow, green,
blue, purple, white), left, right or in the middle: "a red boat on the sea at sunset". 128 × 128 pixels, 20 steps,
CFG scale 4; the checkpoint recommends these settings in its metadata.

One in eight combinations of sky, ground, kind and colour was kept from training; all figures are for these. (Only the
image encoder, which judges the pictures, was taught all of them at last: see its card.)
`;

/** starter/CARD.md: every model with its figures that have a goal. */
export function indexText(findings: Findings): string {
  const rows = Object.entries(CARDS).map(([name, plan]) => {
    const goals = plan.measures.flatMap((key) => goalsOf(findings.measured[key]));
    return `| [${plan.title}](cards/${name}.md) | \`${plan.file}\` | ${goals.join(', ')} |`;
  });
  const table = ['| model | file | reached (wanted) |', '| --- | --- | --- |', ...rows];
  return `${ABOUT}\n${table.join('\n')}\n\n![Pictures from prompts in unseen combinations](cards/text.webp)\n`;
}

/** starter/cards/NAME.md. Pictures lie beside it: `KEY.webp` a measure, `loss-STAGE.png` a stage. */
export function cardText(plan: CardPlan, findings: Findings): string {
  const made = plan.stages.flatMap((stage) => madeRow(stage, findings.records[stage]));
  const shown = plan.measures.flatMap((key) => measuredText(key, findings.measured[key]));
  return [
    `# ${plan.title}`,
    `\`starter/${plan.file}\``,
    plan.about,
    '## Made',
    plan.data,
    ['| stage | steps | seconds | last loss | curve |', '| --- | --- | --- | --- | --- |', ...made].join(
      '\n',
    ),
    '## Measured',
    ...shown,
    '[All models](../CARD.md)\n',
  ].join('\n\n');
}

function goalsOf(measured: Measured | undefined): string[] {
  return Object.entries(measured?.goals ?? {}).map(
    ([name, goal]) => `${name} ${rounded(measured!.figures[name]!)} (${goalText(goal)})`,
  );
}

function madeRow(stage: string, record: TrainingRecord | undefined): string[] {
  if (!record) return [];
  const { steps, seconds, finalLoss } = record;
  return [`| ${stage} | ${steps} | ${seconds} | ${finalLoss.toFixed(4)} | ![loss](loss-${stage}.png) |`];
}

function measuredText(key: string, measured: Measured | undefined): string[] {
  if (!measured) return [];
  const { title, figures, goals } = measured;
  const rows = Object.entries(figures).map(([name, value]) => {
    const goal = goals[name];
    const wanted = goal ? `${goalText(goal)}${isReached(value, goal) ? '' : ' (not reached)'}` : '';
    return `| ${name} | ${rounded(value)} | ${wanted} |`;
  });
  const table = ['| figure | value | wanted |', '| --- | --- | --- |', ...rows].join('\n');
  return [`### ${title}`, table, `![${title}](${key}.webp)`];
}

function rounded(value: number): string {
  return value.toFixed(3);
}
