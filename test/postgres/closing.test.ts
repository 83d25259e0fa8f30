import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

/** How a client takes its leave (manual, "Message Formats": Terminate). */
const TERMINATE = Buffer.from('X\0\0\0\x04', 'latin1');

let bed: TestBed;
let stop: AbortController;
let onHeld: () => void;

beforeEach(() => {
  stop = new AbortController();
  onHeld = () => {};
});

/** Passes on what client and server say, and keeps to itself that the client has left. */
const relay = createServer({ allowHalfOpen: true }, (client) => {
  const server = connect(Number(bed.env.POSTGRES_PORT), '127.0.0.1');
  server.on('data', (data) => client.write(data));
  client.on('data', (data) => {
    if (data.subarray(-TERMINATE.length).equals(TERMINATE)) onHeld();
    else server.write(data);
  });
  client.on('error', () => {});
  client.on('close', () => server.destroy());
});

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
});

afterAll(async () => {
  relay.close();
  await bed.close();
});

function open(closingMs?: number) {
  const env = { ...bed.env, POSTGRES_PORT: String((relay.address() as AddressInfo).port) };
  return openDatabase(readConfig({ env, flags: {} }, ['database']), {}, closingMs);
}

const work = async () => 'done';

test('a connection that nobody closes is waited for until a signal, and what was done stays done', async () => {
  onHeld = () => stop.abort();
  expect(await open(2 ** 31 - 1).use(bed.database.name, stop.signal, work)).toBe('done');
});

test('a connection that nobody closes is not waited for without end, even if no signal may interrupt', async () => {
  expect(await open(1).use(bed.database.name, stop.signal, work)).toBe('done');
});
