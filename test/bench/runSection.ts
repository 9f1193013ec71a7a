/** One section in a process of its own: `node runSection.ts NAME CONTEXT-AS-JSON` prints a SectionReport as JSON. */
import type { BenchContext, SectionReport } from './rows.ts';
import { SECTIONS } from './sections.ts';
import { gemmSpeed } from './timing.ts';

const [section = '', context = ''] = process.argv.slice(2);
const before = await gemmSpeed();
const rows = await SECTIONS[section]!(JSON.parse(context) as BenchContext);
const report: SectionReport = { section, rows, gemm: [before, await gemmSpeed()] };
console.log(JSON.stringify(report));
