// `multipart/form-data` bodies: some releases of the vendor's Node library (3.0) and `curl -F` send parameters so. Given back as the
// urlencoded text that form.ts reads, so that everything behind is the same for both. Files are refused: no resource takes one.

import { err, ok, type Result } from '../base/result.ts';

/** The fields of a body as urlencoded text, in the order sent; the error is a sentence for the client. */
export async function urlencodedOf(contentType: string, body: Buffer): Promise<Result<string, string>> {
  const read = await formData(contentType, body);
  if (!read) return err('The body is not the multipart/form-data that its Content-Type says');
  const form = new URLSearchParams();
  for (const [name, value] of read) {
    if (typeof value !== 'string') return err(`${name} is a file: send parameters as text`);
    form.append(name, value);
  }
  return ok(form.toString());
}

/** Undefined for what is no such body (RFC 7578). */
async function formData(contentType: string, body: Buffer): Promise<FormData | undefined> {
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    return undefined;
  }
}
