/** `npm run starter:eval`: measures every promise of the starter on the shipped files, prints each figure, writes the cards. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CARDS } from './cards.ts';
import { pictureGrid } from './data/grid.ts';
import { PICTURE_SIZE } from './models.ts';
import { cardText, type Findings, indexText, type Measured } from './proof/cardText.ts';
import { goalText, isReached, type Measure, measures } from './proof/measures.ts';
import type { Proof } from './proof/proof.ts';
import { CARD_FOLDER, readRecords } from './publish.ts';

/** Figures by measure; a run of some measures keeps what earlier runs found of the others. */
const MEASURED = 'starter/measured.json';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '200' }, only: { type: 'string' } },
});
const all = measures(Number(values.count));
const chosen = values.only?.split(',') ?? Object.keys(all);
for (const name of chosen)
  if (!all[name])
    throw new RangeError(`There is no measure "${name}"; choose from ${Object.keys(all).join(', ')}`);
mkdirSync(CARD_FOLDER, { recursive: true });
const measured = readMeasured();
for (const name of chosen) {
  const measure = all[name]!;
  const proof = await measure.run();
  print(measure, proof);
  measured[name] = { title: measure.title, figures: proof.figures, goals: measure.goals };
  if (proof.grid) {
    const { pictures, columns, size = PICTURE_SIZE } = proof.grid;
    writeFileSync(`${CARD_FOLDER}/${name}.webp`, await pictureGrid(pictures, columns, size));
  }
  // After every measure: what was found survives a kill in the next one.
  writeFileSync(MEASURED, `${JSON.stringify(measured, null, 2)}\n`);
  writeCards({ measured, records: readRecords() });
}

function readMeasured(): Record<string, Measured> {
  return existsSync(MEASURED) ? (JSON.parse(readFileSync(MEASURED, 'utf8')) as Record<string, Measured>) : {};
}

function print({ title, goals }: Measure, { figures }: Proof): void {
  console.log(title);
  for (const [name, value] of Object.entries(figures)) {
    const goal = goals[name];
    const verdict = goal ? `  ${goalText(goal)} ${isReached(value, goal) ? '✓' : '✗'}` : '';
    console.log(`  ${name}: ${value.toFixed(3)}${verdict}`);
  }
}

function writeCards(findings: Findings): void {
  writeFileSync('starter/CARD.md', indexText(findings));
  for (const [name, plan] of Object.entries(CARDS))
    writeFileSync(`${CARD_FOLDER}/${name}.md`, cardText(plan, findings));
}
