/** Says of every test that is left out which it is and why: nothing is skipped in silence. */
import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter';

export default class Skips implements Reporter {
  onTestEnd(test: TestCase, { status, annotations }: TestResult): void {
    if (status !== 'skipped') return;
    const reason = annotations.find(({ type }) => type === 'skip')?.description ?? 'no reason given';
    console.log(`skipped: ${test.title} (${reason})`);
  }
}
