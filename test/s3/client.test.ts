import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { afterEach, expect, test, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { secret } from '../../src/config/secret.ts';
import { createS3Client, serverAddress } from '../../src/s3/client.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

test.each([
  ['eu-central-1', 's3.eu-central-1.amazonaws.com'],
  ['cn-north-1', 's3.cn-north-1.amazonaws.com.cn'],
])('without an endpoint the server in %s is that of AWS, as in messages', async (AWS_REGION, host) => {
  for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3']) vi.stubEnv(name, 'http://127.0.0.1:9');
  const env = { AWS_REGION, AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'x' };
  const config = readConfig({ env, flags: {} }, ['store']);
  const client = createS3Client(config);
  const hosts: string[] = [];
  client.middlewareStack.add(
    () => async (args) => {
      hosts.push((args.request as { hostname: string }).hostname);
      throw new Error('not sent');
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  await expect(client.send(new ListBucketsCommand({}))).rejects.toThrow('not sent');
  expect(hosts).toEqual([host]);
  expect(serverAddress(config)).toBe(`https://${host}`);
  client.destroy();
});

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
