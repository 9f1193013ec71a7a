/** The starter's card as Markdown: what it is, how it was made, what it was measured to do. */
import type { TrainingRecord } from './publish.ts';

export interface Card {
  readonly title: string;
  readonly figures: Readonly<Record<string, number>>;
  /** What was to be reached, by figure. */
  readonly least: Readonly<Record<string, number>>;
  /** Name of a picture grid beside the card. */
  readonly grid?: string;
}

const ABOUT = `# The starter models

Made by \`npm run starter:train\` from nothing: the project's own trainer, on pictures the project draws itself
(\`main/training/world\`). Measured by \`npm run starter:eval\`, which writes this page.

Prompts of the little world: a sky (day, sunset, night, dawn, overcast), a ground (sea, hills, desert, snow, city,
lavender), an object (boat, house, tree, cactus, car, balloon, rocket, mushroom) in a colour (red, orange, yellow, green,
blue, purple, white), left, right or in the middle: "a red boat on the sea at sunset". 128 × 128 pixels, 20 steps,
CFG scale 4.

One in eight combinations of sky, ground, kind and colour was kept from training; the figures below are for these.
`;

/** `records`: model → stage of training → steps and seconds. */
export function cardText(
  cards: readonly Card[],
  records: Readonly<Record<string, Readonly<Record<string, TrainingRecord>>>>,
): string {
  return [ABOUT, '## Measured', ...cards.map(measured), '## Made', madeTable(records)].join('\n\n');
}

function measured({ title, figures, least, grid }: Card): string {
  const rows = Object.entries(figures).map(([name, value]) => {
    const wanted = least[name];
    return `| ${name} | ${value.toFixed(3)} | ${wanted === undefined ? '' : `≥ ${wanted}${value >= wanted ? '' : ' (not reached)'}`} |`;
  });
  const table = ['| figure | value | wanted |', '| --- | --- | --- |', ...rows].join('\n');
  return `### ${title}\n\n${table}${grid ? `\n\n![${title}](${grid}.png)` : ''}`;
}

function madeTable(records: Readonly<Record<string, Readonly<Record<string, TrainingRecord>>>>): string {
  const rows = Object.entries(records).flatMap(([model, stages]) =>
    Object.entries(stages).map(
      ([stage, { steps, seconds, finalLoss }]) =>
        `| ${model} | ${steps} | ${seconds} | ${finalLoss.toFixed(4)} | ![loss](loss-${stage}.png) |`,
    ),
  );
  return [
    '| model | steps | seconds | last loss | curve |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
