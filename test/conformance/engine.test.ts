/** The networks and whole generations against the reference numbers, tensor by tensor. */
import { test } from 'vitest';
import type { ConformanceModule } from './check.ts';
import { clipText } from './clipText.ts';
import { endToEnd } from './endToEnd.ts';
import { expectConformance } from './expectConformance.ts';
import { ldmUnet } from './ldmUnet.ts';
import { ldmVae } from './ldmVae.ts';

test.each<[caseName: string, module: ConformanceModule, least: number]>([
  ['clip-text', clipText, 18],
  ['ldm-unet-sd1', ldmUnet, 21],
  ['ldm-unet-inpaint', ldmUnet, 4],
  ['ldm-unet-sd2', ldmUnet, 3],
  ['ldm-unet-sdxl', ldmUnet, 3],
  ['ldm-vae', ldmVae, 11],
  ['cfg-txt2img-e2e', endToEnd, 69],
])('%s', (caseName, module, least) => expectConformance(module, caseName, least));
