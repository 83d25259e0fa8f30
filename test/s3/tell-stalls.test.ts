import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { expect, test } from 'vitest';
import { tellStalls } from '../../src/s3/tell-stalls.ts';

/** After this many milliseconds without a byte, a request has timed out. */
const IDLE_MS = 500;

/** A server that answers as told, and a client that says of which requests it was not answered in time. */
async function withServer(
  answers: readonly ((response: ServerResponse) => unknown)[],
  work: (client: S3Client, told: readonly string[]) => Promise<void>,
): Promise<void> {
  const left = [...answers];
  const server = createServer((_, response) => left.shift()?.(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 3,
    requestHandler: new NodeHttpHandler({ socketTimeout: IDLE_MS }),
  });
  const told: string[] = [];
  tellStalls(client, (problem) => told.push(problem));
  try {
    await work(client, told);
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
}

const silence = () => {};
const half = (response: ServerResponse) => response.writeHead(200, { 'Content-Length': '10' }).write('first');
const whole = (response: ServerResponse) => response.end();

const of = (what: string) => `a request for ${what} is made again: the server sent nothing for 500ms`;
const cutOff = (what: string) => `the bytes of ${what} stopped coming: the server sent nothing for 500ms`;

test('an object of which requests get no answer is named once', async () => {
  await withServer([silence, silence, whole], async (client, told) => {
    await client.send(new HeadObjectCommand({ Bucket: 'b', Key: 'backup/x.sql' }));
    expect(told).toEqual([of('backup/x.sql')]);
  });
});

test('it is named again where that happens after an answer, as in a service that runs for months', async () => {
  await withServer([silence, whole, silence, whole, half], async (client, told) => {
    const input = { Bucket: 'b', Key: 'backup/x.sql' };
    for (const _ of ['one night', 'another']) await client.send(new HeadObjectCommand(input));
    const { Body } = await client.send(new GetObjectCommand(input));
    await expect(Body?.transformToByteArray()).rejects.toThrow('inactivity');
    expect(told).toEqual([of('backup/x.sql'), of('backup/x.sql'), cutOff('backup/x.sql')]);
  });
});

test('so are a prefix that is listed, and a bucket', async () => {
  const list = (response: ServerResponse) => response.end('<ListBucketResult/>');
  await withServer([silence, list, silence, list], async (client, told) => {
    await client.send(new ListObjectsV2Command({ Bucket: 'b', Prefix: 'backup/' }));
    await client.send(new ListObjectsV2Command({ Bucket: 'b' }));
    expect(told).toEqual([of('backup/'), of('bucket b')]);
  });
});

test('one whose bytes stop coming is named', async () => {
  await withServer([half], async (client, told) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'b', Key: 'backup/x.sql' }));
    await expect(Body?.transformToByteArray()).rejects.toThrow('inactivity');
    expect(told).toEqual([cutOff('backup/x.sql')]);
  });
});

test('a last attempt, which is not made again, is left to whoever gets its error', async () => {
  const busy = (response: ServerResponse) => response.writeHead(503).end();
  await withServer([busy, busy, silence], async (client, told) => {
    const asked = client.send(new HeadObjectCommand({ Bucket: 'b', Key: 'backup/x.sql' }));
    await expect(asked).rejects.toThrow('inactivity');
    expect(told).toEqual([]);
  });
});

test('an answer in time is not told of', async () => {
  await withServer([whole], async (client, told) => {
    await client.send(new HeadObjectCommand({ Bucket: 'b', Key: 'backup/x.sql' }));
    expect(told).toEqual([]);
  });
});
