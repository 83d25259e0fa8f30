import { afterEach, expect, test, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { secret } from '../../src/config/secret.ts';
import { createS3Client } from '../../src/s3/client.ts';

afterEach(() => vi.useRealTimers());

test('keys that were renewed are used within a minute or so', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const given = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'x' };
  const config = readConfig({ env: given, flags: {} }, ['store']);
  let keys = 0;
  const renewed = () => `secret ${++keys}`;
  const client = createS3Client({ ...config, secretAccessKey: secret('x', renewed) });
  const used = async () => (await client.config.credentials()).secretAccessKey;
  expect(await used()).toBe('secret 1');
  vi.advanceTimersByTime(30_000);
  expect(await used()).toBe('secret 1');
  vi.advanceTimersByTime(60_000);
  expect(await used()).toBe('secret 2');
  client.destroy();
});
