/** One file out of a multipart form, as browsers and clients upload it; the runtime's own parser does the work. */
import { StudioError } from '../../../preload/errors.ts';
import { safeName } from '../../network/sources.ts';

/** The field `image`. @throws StudioError `bad-input` when there is none. */
export async function readUpload(
  body: unknown,
  contentType: string,
): Promise<{ name: string; bytes: Uint8Array }> {
  if (!(body instanceof Uint8Array)) throw noFile();
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } })
    .formData()
    .catch(() => {
      throw noFile();
    });
  const file = form.get('image');
  if (!(file instanceof Blob)) throw noFile();
  const name = 'name' in file && typeof file.name === 'string' ? file.name : 'image.png';
  return { name: safeName(name), bytes: new Uint8Array(await file.arrayBuffer()) };
}

function noFile(): StudioError {
  return new StudioError(
    'bad-input',
    'The form has no file in the field "image".',
    'Send the picture as multipart/form-data.',
  );
}
