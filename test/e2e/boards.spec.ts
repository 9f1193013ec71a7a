/** Boards: pictures are put on one by menu, by selection and by dragging, shown alone, taken off again, and put back by undo. */
import { expect, makePicture, open, type Page, pictures, test } from './studio.ts';

const PROMPTS = ['a red boat on the sea at sunset', 'a green cactus in the desert at noon', 'a white house'];

async function makeThree(page: Page): Promise<void> {
  for (const prompt of PROMPTS) {
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(prompt);
    await makePicture(page);
  }
}

const boards = (page: Page) => page.getByRole('list', { name: 'Boards' }).getByRole('listitem');
const board = (page: Page, name: string | RegExp) =>
  page.getByRole('list', { name: 'Boards' }).getByRole('button', { name });
const picture = (page: Page, prompt: string) =>
  page.getByRole('list', { name: 'Pictures' }).getByRole('button', { name: prompt });

async function nameBoard(page: Page, name: string): Promise<void> {
  const field = page.getByRole('textbox', { name: 'Name of the board' });
  await field.fill(name);
  await field.press('Enter');
}

test('boards are made, filled in three ways, shown alone, renamed and deleted', async ({ page, studio }) => {
  await open(page, studio, 2);
  await makeThree(page);
  // From the menu of one picture, which makes the board too.
  await picture(page, PROMPTS[0]!).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'New board' }).click();
  await nameBoard(page, 'Sea');
  await expect(board(page, 'Sea 1')).toBeVisible();
  // By selection, with Ctrl and with the keyboard.
  await picture(page, PROMPTS[1]!).click({ modifiers: ['Control'] });
  await picture(page, PROMPTS[2]!).focus();
  await page.keyboard.press('Control+Space');
  const bar = page.getByRole('toolbar', { name: 'Selection' });
  await expect(bar).toContainText('2 selected');
  await bar.getByRole('button', { name: 'Put on a board' }).click();
  await page.getByRole('menuitem', { name: 'New board' }).click();
  const name = page.getByRole('textbox', { name: 'Name of the board' });
  await expect(name).toBeFocused();
  await page.keyboard.type('Land');
  await page.keyboard.press('Enter');
  await expect(board(page, 'Land 2')).toBeVisible();
  await expect(bar).toHaveCount(0);
  // By dragging.
  await picture(page, PROMPTS[2]!).dragTo(board(page, /^Sea/));
  await expect(board(page, 'Sea 2')).toBeVisible();
  await expect(page.getByRole('tab', { name: 'Create' })).toHaveAttribute('aria-selected', 'true');
  // Shown alone, and one taken off.
  await board(page, /^Land/).click();
  await expect(pictures(page)).toHaveCount(2);
  await picture(page, PROMPTS[1]!).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Take off Land' }).click();
  await expect(pictures(page)).toHaveCount(1);
  await expect(board(page, 'Land 1')).toHaveAttribute('aria-pressed', 'true');
  // Renamed, deleted; its pictures stay.
  await page.getByRole('button', { name: 'More about Land' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await nameBoard(page, 'Houses');
  await expect(board(page, 'Houses 1')).toBeVisible();
  await page.getByRole('button', { name: 'More about Houses' }).click();
  await page.getByRole('menuitem', { name: 'Delete board' }).click();
  await page.getByRole('menuitem', { name: 'Really delete it' }).click();
  await expect(boards(page)).toHaveCount(1);
  await expect(pictures(page)).toHaveCount(3);
  // Kept over a reload.
  await page.reload();
  await expect(board(page, 'Sea 2')).toBeVisible();
});

test('a selection is deleted together and brought back by one undo', async ({ page, studio }) => {
  await open(page, studio, 2);
  await makeThree(page);
  await picture(page, PROMPTS[2]!).click({ modifiers: ['Control'] });
  await picture(page, PROMPTS[0]!).click({ modifiers: ['Shift'] });
  await expect(page.getByRole('toolbar', { name: 'Selection' })).toContainText('3 selected');
  await page.getByRole('button', { name: 'Delete the selection' }).click();
  await expect(pictures(page)).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(pictures(page)).toHaveCount(3);
});

test('what was taken off a board is put back by undo, also after a reload', async ({ page, studio }) => {
  await open(page, studio, 2);
  await makePicture(page);
  await pictures(page).first().getByRole('button').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'New board' }).click();
  await nameBoard(page, 'Sea');
  await expect(board(page, 'Sea 1')).toBeVisible();
  await pictures(page).first().getByRole('button').click();
  await page.getByRole('button', { name: 'Take off Sea' }).click();
  await expect(board(page, 'Sea 0')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(board(page, 'Sea 1')).toBeVisible();
  await page.getByRole('button', { name: 'Redo' }).click();
  await expect(board(page, 'Sea 0')).toBeVisible();
  await expect(page.getByText('all saved')).toBeVisible();
  await page.reload();
  await expect(board(page, 'Sea 0')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(board(page, 'Sea 1')).toBeVisible();
});

test('a picture fetched out of the bin can be deleted again', async ({ page, studio }) => {
  await open(page, studio, 2);
  await makePicture(page);
  const bin = page.getByRole('button', { name: 'Bin' });
  const only = pictures(page).first().getByRole('button');
  await only.focus();
  await page.keyboard.press('Delete');
  await expect(pictures(page)).toHaveCount(0);
  await bin.click();
  await only.click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Restore' }).click();
  await bin.click();
  await only.focus();
  await page.keyboard.press('Delete');
  await expect(pictures(page)).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(pictures(page)).toHaveCount(1);
});
