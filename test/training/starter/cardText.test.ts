import { describe, expect, it } from 'vitest';
import { CARDS } from '../../../main/training/starter/cards.ts';
import { cardText, type Findings, indexText } from '../../../main/training/starter/proof/cardText.ts';

const findings: Findings = {
  measured: {
    vae: { title: 'Reconstruction', figures: { psnr: 27.5, other: 1 }, goals: { psnr: { least: 28 } } },
    woodcut: { title: 'Woodcut', figures: { change: 0 }, goals: { change: { most: 0 } } },
  },
  records: { 'vae-1': { steps: 10, seconds: 3, finalLoss: 0.5 } },
};

describe('cards', () => {
  it('say how a model was made, what it reached, and what it missed', () => {
    const text = cardText(CARDS['autoencoder']!, findings);
    expect(text).toContain('| vae-1 | 10 | 3 | 0.5000 | ![loss](loss-vae-1.png) |');
    expect(text).toContain('| psnr | 27.500 | ≥ 28 (not reached) |');
    expect(text).toContain('| other | 1.000 |  |');
    expect(text).toContain('![Reconstruction](vae.webp)');
    expect(text).not.toContain('decoder.png');
  });

  it('are listed with the figures that have a goal', () => {
    const text = indexText(findings);
    expect(text).toContain(
      '| [Autoencoder](cards/autoencoder.md) | `little-world.safetensors` | psnr 27.500 (≥ 28) |',
    );
    expect(text).toContain('change 0.000 (≤ 0)');
    for (const name of Object.keys(CARDS)) expect(text).toContain(`(cards/${name}.md)`);
  });
});
