import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { PLAIN_CREATION } from '../../src/postgres/facts.ts';
import { createScratch, mayHoldRows } from '../../src/restore/databases/scratch.ts';
import { listDatabaseNames, withClient } from '../support/database.ts';
import { createTestBed, keepingLog, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query('CREATE TABLE t (id integer)');
});

afterAll(() => bed.close());

/** What is said of the empty database if its first connections fail in these ways. */
async function look(...failures: readonly object[]) {
  const { log, lines } = keepingLog();
  const left = failures.map((failure) => Object.assign(new Error('failed'), failure));
  const use = ((database, signal, work) => {
    const failure = left.shift();
    return failure === undefined ? bed.tool.use(database, signal, work) : Promise.reject(failure);
  }) as Database['use'];
  return { may: await mayHoldRows({ database: { ...bed.tool, use }, log }, bed.database.name), lines };
}

test('a database whose contents cannot be seen may hold rows', async () => {
  expect(await look()).toEqual({ may: false, lines: [] });
  expect(await look({ code: '53300' })).toEqual({ may: true, lines: [] });
});

test('a server that is away is waited for', async () => {
  const { may, lines } = await look({ code: 'ECONNREFUSED' });
  expect(may).toBe(false);
  expect(lines).toEqual([expect.stringMatching(/^warn: waiting up to 1m .*, to see what is in database /)]);
});

test('none is left where the connection broke while the server made it', async () => {
  const scratch = `${bed.database.name}_scratch`;
  let isCut = false;
  // The client is gone as soon as the statement is on its way; the server is not told.
  const relay = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect(Number(bed.env.POSTGRES_PORT), '127.0.0.1');
    server.on('data', (data) => client.write(data));
    client.on('data', (data) => {
      server.write(data);
      if (isCut || !data.includes('CREATE DATABASE')) return;
      isCut = true;
      client.destroy();
    });
    for (const socket of [client, server]) socket.on('error', () => {});
    client.on('end', () => server.end());
    server.on('end', () => client.end());
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const env = { ...bed.env, POSTGRES_PORT: String((relay.address() as AddressInfo).port) };
  const database = openDatabase(readConfig({ env, flags: {} }, ['database']), {});
  const { log, lines } = keepingLog();
  const isMaking = `SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE "${scratch}"%' AND wait_event_type = 'Lock'`;
  try {
    await withClient(bed.env, 'postgres', async (holder) => {
      // It can only be made once nobody changes the list of databases.
      await holder.query('BEGIN; LOCK TABLE pg_database IN EXCLUSIVE MODE');
      await expect(createScratch({ database, log }, scratch, PLAIN_CREATION)).rejects.toThrow(
        /^cannot create database .*: Connection terminated unexpectedly/,
      );
      expect((await holder.query(isMaking)).rowCount).toBe(0);
      await holder.query('ROLLBACK');
    });
    expect(lines).toEqual([]);
    expect((await listDatabaseNames(bed.env)).filter((name) => name === scratch)).toEqual([]);
  } finally {
    relay.close();
  }
});
