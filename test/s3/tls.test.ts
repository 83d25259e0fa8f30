import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../src/s3/s3-store.ts';
import { SELF_SIGNED } from '../support/self-signed.ts';
import { startTestStore, type TestStore } from '../support/test-store.ts';

let bed: TestStore;

beforeEach(async () => {
  bed = await startTestStore({ tls: SELF_SIGNED });
});

afterEach(() => bed.close());

const inTime = () => AbortSignal.timeout(60_000);

test('a certificate that nobody signed is refused, unless it is not to be checked', async () => {
  const { store, settings } = bed;
  expect(await store.ensureBucket(inTime())).toBe('exists');
  const strict = openStore({ ...settings, verifyTls: true });
  await expect(strict.ensureBucket(inTime())).rejects.toThrow(
    /^cannot use bucket bucket .*SELF_SIGNED_CERT.* — set NODE_EXTRA_CA_CERTS to the CA’s certificate file, or set AWS_S3_VERIFY=False$/,
  );
  strict.close();
});

test.each([
  ['https', 'http', /^cannot use bucket bucket .* — check (whether|the network)/],
  [
    'http',
    'https',
    /^cannot use bucket bucket .* — check whether AWS_S3_ENDPOINT_URL should be https or http$/,
  ],
])('a server of %s that is spoken to in %s is an error in one line', async (server, spoken, expected) => {
  const plain = server === 'http' ? await startTestStore() : bed;
  const endpoint = plain.server.endpoint.replace(server, spoken);
  const store = openStore({ ...plain.settings, endpoint, verifyTls: false });
  await expect(store.ensureBucket(inTime())).rejects.toThrow(expected);
  store.close();
  if (plain !== bed) await plain.close();
});
