import { StoreError } from '../errors.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { type Catalog, isFree } from './catalog.ts';

/** How many prefixes to look under, and how many at the same time. */
const MOST_LOOKS = 20;
const LOOKERS = 8;

/** How many prefixes to name. */
const NAMED = 3;

/**
 * What to do where there is no backup under a prefix: names the prefixes near it that have some, if there are any and
 * the key may list them.
 *
 * @throws the signal’s reason
 */
export async function lookElsewhere(catalog: Catalog, signal: AbortSignal): Promise<string> {
  const found = await nearbyPrefixes(catalog, signal).catch((error: unknown) => {
    if (error instanceof StoreError) return [];
    throw error;
  });
  if (found.length === 0) return 'check S3_PREFIX and AWS_STORAGE_BUCKET_NAME';
  // How many there are is not known: not all prefixes were looked under.
  const others = found.length > NAMED ? ' and others' : '';
  return `set S3_PREFIX to where there are backups: ${found.slice(0, NAMED).join(', ')}${others}`;
}

/** The prefixes that have backups: of those above `prefix`, those beside it and its own. */
async function nearbyPrefixes({ store, prefix }: Catalog, signal: AbortSignal): Promise<string[]> {
  const ends = [...prefix.matchAll(/\//g)].map(({ index }) => index + 1);
  const above = ['', ...ends.map((end) => prefix.slice(0, end))];
  const below = await mapConcurrently(above, LOOKERS, (each) => store.listFolders(each, signal));
  // Backups that are under no prefix at all cannot be asked for.
  const others = new Set([...above, ...below.flat()].filter((each) => each !== prefix && each !== ''));
  const looked = await mapConcurrently([...others].slice(0, MOST_LOOKS), LOOKERS, async (each) =>
    (await isFree({ store, prefix: each }, undefined, signal)) ? [] : [each],
  );
  return looked.flat();
}
