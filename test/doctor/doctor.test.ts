import { expect, test } from 'vitest';
import type { DoctorFinding } from '../../src/doctor/check.ts';
import { examineDatabase } from '../../src/doctor/database-checks.ts';
import { examineStore } from '../../src/doctor/store-checks.ts';
import { admitPatient, unwell } from './patient.ts';

const signal = new AbortController().signal;
const patient = await admitPatient();

const PREFIXES = { prefix: 'backup/', mediaPrefix: 'media/' };

test('where nothing is missing it says so, and leaves nothing of its probes', async () => {
  const text = await patient.bed.run(['doctor'], patient.asRole);
  expect(text).toMatchObject({ status: 0, stderr: '' });
  expect(text.stdout).toMatch(/^CHECK +STATE +FOUND\n/);
  expect(text.stdout).toMatch(/\n\neverything that backups and restores need is in place\n$/);
  const findings = await patient.examine();
  expect(unwell(findings)).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual([
    'database: connect',
    'database: pg_dump',
    'database: read all',
    'database: restore',
    'database: owners',
    'database: rename',
    'database: sessions',
    'database: prepared',
    'database: connections',
    'database: standby',
    'database: clock',
    'database: maintenance',
    'database: pooler',
    'database: create',
    'database: left over',
    's3: list',
    's3: write',
    's3: overwrite guard',
    's3: read',
    's3: clock',
    's3: multipart',
    's3: list uploads',
    's3: delete',
    's3: list media',
    's3: versions',
  ]);
  expect(await patient.bed.keys()).toEqual([]);
  expect(await patient.bed.pendingUploads()).toEqual([]);
  expect(await patient.probes()).toEqual([]);
});

test('a maintenance database that is the one to restore is found', async () => {
  expect(unwell(await patient.examine({ POSTGRES_MAINTENANCE_DB: patient.bed.database.name }))).toEqual([
    {
      check: 'database: maintenance',
      state: 'fault',
      detail: 'POSTGRES_MAINTENANCE_DB names the same database, so a restore cannot replace it',
      remedy: 'set POSTGRES_MAINTENANCE_DB to another one, such as template1',
    },
  ]);
});

test('one that is stopped while the server makes its database leaves none', async () => {
  const stop = new AbortController();
  const examining = examineDatabase(patient.database, {
    binDir: patient.bed.env.PG_BINDIR,
    mediaManifest: true,
    env: process.env,
    now: () => new Date(),
    signal: stop.signal,
  });
  const waiting = () =>
    patient.bed.database.query(`SELECT pid FROM pg_stat_activity
      WHERE usesysid = '${patient.quoted}'::regrole AND query LIKE 'CREATE DATABASE %' AND wait_event_type = 'Lock'`);
  await patient.admin(async (client) => {
    // What makes a database waits for it, what reads does not.
    await client.query('BEGIN; LOCK TABLE pg_database IN EXCLUSIVE MODE');
    await expect.poll(waiting, { timeout: 60_000 }).not.toEqual([]);
    stop.abort(new Error('stopped'));
    await client.query('ROLLBACK');
  });
  await expect(examining).rejects.toThrow('stopped');
  expect(await patient.probes()).toEqual([]);
});

test('a fault ends the program with status 3; the document is the same as the table', async () => {
  const env = { ...patient.asRole, AWS_SECRET_ACCESS_KEY: 'wrong' };
  const [text, json] = await Promise.all([
    patient.bed.run(['doctor'], env),
    patient.bed.run(['doctor', '--json'], env),
  ]);
  expect(text).toMatchObject({ status: 3, stderr: '' });
  expect(text.stdout).toMatch(
    /\ns3: list +fault +403 SignatureDoesNotMatch — check AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID\n/,
  );
  expect(text.stdout).toMatch(/\n\n1 of 16 checks failed\n$/);
  expect(json).toMatchObject({ status: 3, stderr: '' });
  const document = JSON.parse(json.stdout) as DoctorFinding[];
  expect(document).toHaveLength(16);
  expect(unwell(document)).toEqual([
    {
      check: 's3: list',
      state: 'fault',
      detail: '403 SignatureDoesNotMatch',
      remedy: 'check AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID',
    },
  ]);
});

test.each([
  [30, 'ok', 'ok'],
  [90, 'warning', 'warning'],
  [1200, 'fault', 'fault'],
  [-1200, 'fault', 'fault'],
])('a clock that is %i s off is compared with both servers’', async (seconds, ...states) => {
  const now = () => new Date(Date.now() - seconds * 1000);
  const findings = [
    ...(await examineDatabase(patient.bed.tool, {
      binDir: patient.bed.env.PG_BINDIR!,
      mediaManifest: true,
      env: process.env,
      now,
      signal,
    })),
    ...(await examineStore(patient.bed.store, PREFIXES, { now, signal })),
  ];
  expect(findings.filter(({ check }) => check.endsWith('clock')).map(({ state }) => state)).toEqual(states);
});
