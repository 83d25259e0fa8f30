import type { ObjectInfo } from '../../s3/store.ts';

/**
 * Drops objects under other prefixes from a listing of the media prefix. Other objects among the media, under the
 * same prefix, are not recognized here.
 *
 * @param otherPrefixes those of backups and of the quarantine
 */
export async function* onlyMedia(
  pages: AsyncIterable<readonly ObjectInfo[]>,
  mediaPrefix: string,
  otherPrefixes: readonly string[],
): AsyncGenerator<readonly ObjectInfo[]> {
  const within = otherPrefixes.filter((prefix) => prefix.startsWith(mediaPrefix) && prefix !== mediaPrefix);
  for await (const page of pages) {
    yield within.length === 0
      ? page
      : page.filter(({ key }) => !within.some((prefix) => key.startsWith(prefix)));
  }
}
