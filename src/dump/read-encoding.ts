import { drain } from './scanner.ts';
import { createTokenizer } from './tokenizer.ts';

/** pg_dump sets it before the first entry; nothing else that long stands there. */
const BEGINNING_BYTES = 64 * 1024;

/**
 * Reads as much of a dump as tells its encoding.
 *
 * @param name what the dump is called in errors
 * @param dump its plain SQL
 * @returns its first `SET client_encoding`; undefined where it has none at its beginning
 * @throws DumpError when its beginning is not that of a dump, or its end comes too early
 */
export async function readEncoding(name: string, dump: AsyncIterable<Buffer>): Promise<string | undefined> {
  const tokenizer = createTokenizer(name, 'heads');
  let bytes = 0;
  for await (const chunk of dump) {
    for (const token of tokenizer.push(chunk)) {
      if (tokenizer.session.encoding !== undefined) return tokenizer.session.encoding;
      if (token.type === 'section' || ('entry' in token && token.entry !== undefined)) return undefined;
    }
    bytes += chunk.length;
    if (bytes > BEGINNING_BYTES) return undefined;
  }
  drain(tokenizer.end());
  return tokenizer.session.encoding;
}
