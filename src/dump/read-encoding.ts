import { drain } from './scanner.ts';
import { createTokenizer } from './tokenizer.ts';

/** pg_dump sets the encoding before the first entry; nothing else there is this long. */
const BEGINNING_BYTES = 64 * 1024;

/**
 * Reads just enough of a dump to learn its encoding.
 *
 * @param name what the dump is called in errors
 * @param dump its plain SQL
 * @returns its first `SET client_encoding`; undefined if there is none at its beginning
 * @throws DumpError if it does not begin like a dump, or ends too early
 */
export async function readEncoding(name: string, dump: AsyncIterable<Buffer>): Promise<string | undefined> {
  const tokenizer = createTokenizer(name, 'heads');
  let bytes = 0;
  for await (const chunk of dump) {
    for (const token of tokenizer.push(chunk)) {
      if (tokenizer.textSettings.encoding !== undefined) return tokenizer.textSettings.encoding;
      if (token.type === 'section' || ('entry' in token && token.entry !== undefined)) return undefined;
    }
    bytes += chunk.length;
    if (bytes > BEGINNING_BYTES) return undefined;
  }
  drain(tokenizer.end());
  return tokenizer.textSettings.encoding;
}
