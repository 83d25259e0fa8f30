import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Finding } from '../../src/audit/finding.ts';
import { collect, readObject } from '../../src/s3/reader.ts';
import { PROGRAM } from '../support/topobank-backup.ts';
import { ERA_A } from '../support/topobank-eras.ts';
import { type AuditBed, createAuditBed } from './audit-bed.ts';

let bed: AuditBed;

/** 25 rows without their objects, an object without a row, one of no bytes, and one that two rows name. */
beforeAll(async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `${ERA_A}
     INSERT INTO users_user VALUES (1, 'ada');
     INSERT INTO manager_surface VALUES (1, 'Stahl, "geschliffen"', 1, 'exp', '');
     INSERT INTO manager_topography (id, surface_id, name, measurement_date, description, datafile, data_source, size_x, unit)
     SELECT n, 1, 'Scan ' || n, '2020-01-01', '', 'topographies/user_1/' || to_char(n, 'FM00') || '.opd', 0, 1, 'm' FROM generate_series(1, 25) n;
     INSERT INTO manager_topography (id, surface_id, name, measurement_date, description, datafile, thumbnail, data_source, size_x, unit)
     VALUES (30, 1, 'Line
scan', '2020-01-01', '', 'topographies/user_2/x', 'topographies/user_2/none', 0, 1, 'm'),
       (31, 1, 'Copy', '2020-01-01', '', 'topographies/user_2/x', '', 0, 1, 'm')`,
  );
  await bed.put('media/topographies/user_2/x', '12345');
  await bed.put('media/topographies/user_2/none', '');
  await bed.put('media/analyses/7/result.json', '1234567');
});

afterAll(() => bed.close());

test('the table shows totals and the first 20 of each kind', async () => {
  const { status, stdout } = await bed.audit();
  expect(status).toBe(3);
  const text = stdout
    .replaceAll(bed.database.name, 'DATABASE')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, 'TIME');
  await expect(text).toMatchFileSnapshot('output.txt');
});

test.each([
  ['without a manifest', /\.(manifest\.json|media\.ndjson\.gz)$/, 'ada', ''],
  [
    'with damaged users',
    /\.media\.ndjson\.gz$/,
    'adb',
    ' WARN: topographies, surfaces and owners are not shown: ',
  ],
])('the tables of a dump %s have no columns for what is not found in it', async (_, lost, owner, says) => {
  const remove = async (part: RegExp) =>
    bed.store.remove(
      (await bed.keys()).filter((key) => part.test(key)),
      new AbortController().signal,
    );
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  await remove(lost);
  const key = (await bed.keys()).find((each) => each.endsWith('.sql'))!;
  const { signal } = new AbortController();
  const dump = Buffer.concat(await collect(readObject(bed.store, key, { signal })));
  await bed.put(key, dump.toString().replace('\n1\tada\n', `\n1\t${owner}\n`));
  const { status, stdout, stderr } = await bed.audit(['--backup', 'latest']);
  expect(status).toBe(3);
  expect(stderr).toContain(says);
  expect(stdout.match(/^KEY .*$/gm)?.map((head) => head.split(/ +/))).toEqual([
    ['KEY', 'ROW'],
    ['KEY', 'ROW'],
    ['KEY', 'SIZE', 'ROWS'],
  ]);
  await remove(/^backup\//);
});

test('NDJSON and CSV hold all that JSON holds, in the same order', async () => {
  const ndjson = join(bed.directory, 'all.ndjson');
  const csv = join(bed.directory, 'all.csv');
  const { findings } = await bed.report(['--ndjson', ndjson, '--csv', csv]);
  const lines = readFileSync(ndjson, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as Finding)).toEqual(findings);
  const text = readFileSync(csv, 'utf8');
  expect(text.split('\n')[0]).toBe(
    'kind,key,bytes,lastModified,table,column,primaryKey,topography,surface,owner,rows,backups',
  );
  expect(text).toContain(
    'dangling,media/topographies/user_1/01.opd,,,manager_topography,datafile,1,Scan 1,"Stahl, ""geschliffen""",ada,,\n',
  );
  expect(text).toMatch(
    /empty,media\/topographies\/user_2\/none,0,\d{4}-.*Z,manager_topography,thumbnail,30,"Line\nscan",/,
  );
  expect(text).toContain('shared,media/topographies/user_2/x,5,,,,,,,,2,\n');
  const records = text.split(/\n(?=dangling|orphan|empty|shared)/).length - 1;
  expect(records).toBe(findings.length);
});

test('what is no file is written into as findings come, and stays what it is', async () => {
  const pipe = join(bed.directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const [text, { status }] = await Promise.all([readFile(pipe, 'utf8'), bed.audit(['--csv', pipe])]);
  expect(status).toBe(3);
  expect(text).toMatch(/^kind,key,.*\n(.*\n)*dangling,media\/topographies/);
  expect(statSync(pipe).isFIFO()).toBe(true);
});

test('a link goes on leading to its file', async () => {
  const [file, link] = [join(bed.directory, 'file'), join(bed.directory, 'link')];
  writeFileSync(file, 'what was there');
  symlinkSync(file, link);
  expect(await bed.audit(['--csv', link])).toMatchObject({ status: 3 });
  expect(readFileSync(file, 'utf8')).toMatch(/^kind,key,/);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});

test('--json and --quiet: one document on stdout, nothing on stderr', async () => {
  const { stdout, stderr } = await bed.audit(['--json', '--quiet']);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({
    at: expect.stringMatching(/Z$/),
    database: bed.database.name,
    bucket: 'topobank-assets',
    prefix: 'media/',
    era: 'A',
    references: 28,
    objects: 3,
    totals: {
      dangling: { count: 25, bytes: 0 },
      orphan: { count: 1, bytes: 7 },
      shared: { count: 1, bytes: 5 },
    },
    byPrefix: [
      { prefix: 'media/analyses/', objects: 1, bytes: 7, totals: { orphan: { count: 1, bytes: 7 } } },
      { prefix: 'media/topographies/', objects: 2, bytes: 5, totals: { dangling: { count: 25, bytes: 0 } } },
    ],
  });
});

test('a reader that goes away early does not matter', async () => {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [PROGRAM, 'audit-orphans', '--json'], {
    env: { PATH, ...bed.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [status] = (await once(child, 'close')) as [number];
  expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
});
