/** Whatever the studio says in the window has a Chinese sentence, with all its parameters; the unknown stays English. */
import { describe, expect, it } from 'vitest';
import { SENTENCES } from '../../../renderer/i18n/sentences.ts';
import { inChinese, told } from '../../../renderer/i18n/told.ts';
import { sentencesIn } from '../../helpers/sentences.ts';

const root = new URL('../../../', import.meta.url).pathname;
/** Rooms whose sentences reach the window; the command line and the other programs' interfaces speak English. */
const ROOMS = [
  'main/{app,engine,history,images,jobs,library,network,projects}/**/*.ts',
  'main/pipeline/text/**/*.ts',
  'main/storage/fileStore.ts',
  'main/serve/uploads.ts',
  'main/training/{,lora/}*.ts',
  'native-models/**/*.ts',
  'preload/errors.ts',
];
/** Said to programs, not to people: a message that is not one. */
const NOT_SHOWN: ReadonlySet<string> = new Set(['main/app/transport.ts']);
const holes = (text: string) => [...text.matchAll(/\{\d\}/g)].map(([hole]) => hole).sort();

describe('sentences of the studio', () => {
  const said = sentencesIn(root, ROOMS).filter(({ file }) => !NOT_SHOWN.has(file));

  it('are all found in the sources and all known in Chinese', () => {
    expect(said.length).toBeGreaterThan(250);
    const unknown = said.filter(
      ({ template }) => inChinese(template.replaceAll(/\{(\d)\}/g, 'p$1')) === null,
    );
    expect(unknown).toEqual([]);
  });

  it('keep their parameters', () => {
    for (const { template } of said) {
      const chinese = inChinese(template.replaceAll(/\{(\d)\}/g, 'p$1'));
      for (const [, hole] of template.matchAll(/\{(\d)\}/g)) expect(chinese, template).toContain(`p${hole}`);
    }
    for (const [english, chinese] of Object.entries(SENTENCES)) {
      expect(holes(chinese), english).toEqual(holes(english));
      expect(chinese, english).toMatch(/[\u4e00-\u9fff]|^SDXL refiner$/);
    }
  });
});

it('are put together from names, sentences and reasons within reasons', () => {
  expect(inChinese('boat.png: has more than 100 pixels. Make it smaller first.')).toBe(
    'boat.png：超过 100 像素。请先缩小。',
  );
  expect(inChinese('cat.safetensors: this is not a LoRA. Choose a LoRA file')).toBe(
    'cat.safetensors：这不是 LoRA。请选择 LoRA 文件',
  );
  expect(inChinese('it does not start: no graphics adapter with a driver was found')).toBe(
    '无法启动：没有找到装有驱动的显卡',
  );
});

it('are shown as the window speaks, and in English where nobody knows them', () => {
  expect(told('There is no job 7.', 'zh-CN')).toBe('没有任务 7。');
  expect(told('Something quite new happened.', 'zh-CN')).toBe('Something quite new happened.');
  expect(told('There is no job 7.', 'en')).toBe('There is no job 7.');
});
