import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepPicture } from '../../main/history/saving.ts';
import { imagePath, showImage, storeUpload } from '../../main/history/uploads.ts';
import { plainUrls, tempDatabase } from '../helpers/tempDatabase.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

const BYTES = readFileSync(join(import.meta.dirname, '../golden/canny/picture.png'));

function setUp() {
  const root = tempFolder();
  const folders = { pictures: join(root, 'pictures'), uploads: join(root, 'uploads') };
  for (const path of Object.values(folders)) mkdirSync(path);
  return { root, db: tempDatabase(), urls: plainUrls, now: () => 5, ...folders };
}

test('a picture is found by its contents wherever it still lies', async () => {
  const places = setUp();
  const { image, url } = await storeUpload(places, BYTES);
  expect(await showImage(places, image)).toMatchObject({ image, url });
  const id = await keepPicture(places, image, []);
  rmSync(places.uploads, { recursive: true });
  expect(readFileSync(imagePath(places, image)).equals(BYTES)).toBe(true);
  expect(await showImage(places, image)).toMatchObject({ image, url: `/files/picture/${id}` });
  rmSync(places.pictures, { recursive: true });
  expect(() => imagePath(places, image)).toThrow(/not there any more/);
});

test('a file known by its path alone is shown as an upload, wherever that is and whatever it once held', async () => {
  const places = setUp();
  const path = join(places.pictures, 'unrecorded.png');
  writeFileSync(path, BYTES);
  const shown = await showImage(places, { path, sha256: 'f'.repeat(64) });
  expect(shown.url).toBe(`/files/upload/${shown.image.sha256}`);
  expect(readFileSync(imagePath(places, shown.image)).equals(BYTES)).toBe(true);
});
