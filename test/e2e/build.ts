/** Before all tests: the window as its sources are now. */
import type { FullConfig } from '@playwright/test';
import { buildWindow } from '../../main/cli/build.ts';

export default async function build({ metadata }: FullConfig): Promise<void> {
  if (metadata['missing'] === undefined) await buildWindow();
}
