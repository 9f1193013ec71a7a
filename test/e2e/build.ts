/** Before all tests: the window as its sources are now, and a folder for the compiled code of all servers and engines. */
import type { FullConfig } from '@playwright/test';
import { buildWindow } from '../../main/cli/build.ts';
import shareCompiledCode from '../helpers/compiledCode.ts';

export default async function build({ metadata }: FullConfig): Promise<() => void> {
  if (metadata['missing'] === undefined) await buildWindow();
  return shareCompiledCode();
}
