import { describe, expect, test } from 'vitest';
import { StoreError } from '../../src/errors.ts';
import { answerOf } from '../../src/s3/errors.ts';

/** What not every S3 server has. Everything else in the suite is what each has to do. */
const FEATURES = [
  'If-None-Match on PutObject',
  'If-None-Match in a bucket that keeps versions',
  'If-Match on PutObject',
  'tags of objects',
  'CRC32 trailers on streamed bodies',
  'refusal of a wrong CRC32',
  'refusal of a wrong Content-MD5 on DeleteObjects',
  'markers of the next page of versions',
  'control characters in keys',
  'refusal to copy another object than the expected one',
] as const;

export type Feature = (typeof FEATURES)[number];

/** What happens instead: the server's answer, or what {@link Shortcoming} says. */
type Limits = Readonly<Partial<Record<Feature, string>>>;

/** What the servers are known to lack; docs/PROVIDERS.md tells what the tool makes of it. */
const KNOWN_LIMITS: Readonly<Record<string, Limits>> = {
  own: { 'tags of objects': '501 NotImplemented' },
  swift: {
    'If-None-Match on PutObject': '501 NotImplemented',
    'If-None-Match in a bucket that keeps versions': '501 NotImplemented',
    'If-Match on PutObject': '501 NotImplemented',
    'tags of objects': '501 NotImplemented',
    'CRC32 trailers on streamed bodies': '501 NotImplemented',
    'refusal of a wrong CRC32': 'silently accepted',
    'markers of the next page of versions': 'what follows a page is left out',
    'control characters in keys': '500 InternalError',
  },
  rgw: {
    'If-None-Match in a bucket that keeps versions': 'ignored',
    'CRC32 trailers on streamed bodies': '411 MissingContentLength',
    'refusal of a wrong CRC32': 'silently accepted',
    'refusal of a wrong Content-MD5 on DeleteObjects': 'silently accepted',
    'control characters in keys': '400 Unknown',
    'refusal to copy another object than the expected one': 'silently accepted',
  },
};

/** For servers of which it is only known that they lack something. */
const ANY_WAY = 'in whatever way';

declare module 'vitest' {
  interface TaskMeta {
    /** What the server under test was found to lack, for the summary of the run. */
    lacks?: string;
  }
}

/** The server takes a request, but does not do what it asks for. */
export class Shortcoming extends Error {}

/**
 * A feature that a server may lack. Where it has it, `probe` is a test and `more` adds others. Where the server is
 * known to lack it, the test is that `probe` fails in the known way, so that the list of limits cannot go stale.
 */
export function feature(name: Feature, probe: () => Promise<void>, more: () => void = () => {}): void {
  const limit = knownLimits(process.env)[name];
  if (limit === undefined) {
    describe(name, () => {
      test('it is there', probe);
      more();
    });
    return;
  }
  test(`lacks: ${name} (${limit})`, async ({ task }) => {
    const found = await shortcomingOf(probe);
    expect(found, 'the server has the feature').toBeDefined();
    if (limit !== ANY_WAY) expect(found).toBe(limit);
    task.meta.lacks = `${name} (${found})`;
  });
}

/**
 * TEST_S3_SERVER names a server of the list above; for any other, TEST_S3_LACKS lists the features that it lacks,
 * separated by commas.
 */
function knownLimits({ TEST_S3_ENDPOINT, TEST_S3_SERVER = '', TEST_S3_LACKS }: NodeJS.ProcessEnv): Limits {
  const server = TEST_S3_ENDPOINT === undefined ? 'own' : TEST_S3_SERVER;
  const limits: Partial<Record<Feature, string>> = { ...KNOWN_LIMITS[server] };
  for (const text of TEST_S3_LACKS?.split(',') ?? []) {
    const name = FEATURES.find((known) => known === text.trim());
    if (name === undefined) {
      throw new Error(
        `TEST_S3_LACKS: no feature ${JSON.stringify(text)}, expected some of ${FEATURES.join(', ')}`,
      );
    }
    limits[name] = ANY_WAY;
  }
  return limits;
}

async function shortcomingOf(probe: () => Promise<void>): Promise<string | undefined> {
  try {
    await probe();
    return undefined;
  } catch (error) {
    if (error instanceof Shortcoming) return error.message;
    // The Store tells what the server answered as the cause.
    const { status, code } = answerOf(error instanceof StoreError ? error.cause : error);
    if (status === undefined) throw error;
    return `${status} ${code}`;
  }
}
