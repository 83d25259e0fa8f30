import { afterAll, expect, test } from 'vitest';
import { chooseClient, findClients } from '../../src/postgres/client-binaries.ts';
import { fakePgDump } from '../support/fake-pg-dump.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const scratch = scratchDirectory('clients');

afterAll(() => scratch.remove());

const client = (major: number, path = `/usr/lib/postgresql/${major}/bin/pg_dump`) => ({
  path,
  major,
  version: `${major}.1`,
});

test.each([
  [15, [13, 15, 17], 15],
  [15, [17, 16, 14], 16],
  [15, [18], 18],
  [17, [17], 17],
])('for server %i, of the versions %j that are there %i is chosen', (server, there, chosen) => {
  expect(
    chooseClient(
      server,
      there.map((major) => client(major)),
    ),
  ).toMatchObject({ major: chosen });
});

test('of several of the same version the one that is found first is chosen', () => {
  const found = [client(15, '/own/pg_dump'), client(16), client(15)];
  expect(chooseClient(15, found).path).toBe('/own/pg_dump');
});

test.each([
  [
    [],
    'cannot choose a pg_dump for PostgreSQL 17: there is no pg_dump on this machine — install the package postgresql-client-17, or set PG_BINDIR to its directory',
  ],
  [
    [15],
    'cannot choose a pg_dump for PostgreSQL 17: pg_dump here is version 15, which refuses newer servers — install the package postgresql-client-17, or set PG_BINDIR to its directory',
  ],
  [
    [15, 13, 15],
    'cannot choose a pg_dump for PostgreSQL 17: pg_dump here is version 13, 15, which refuses newer servers — install the package postgresql-client-17, or set PG_BINDIR to its directory',
  ],
])('with no version but %j, the error names both and the package', (there, message) => {
  expect(() =>
    chooseClient(
      17,
      there.map((major) => client(major)),
    ),
  ).toThrow(expect.objectContaining({ name: 'DatabaseError', message }));
});

test('PG_BINDIR is looked into first, then PATH; what is no pg_dump is passed over', async () => {
  const own = fakePgDump(scratch.path, 'own', '', '14.9 (Debian 14.9-1)');
  const onPath = fakePgDump(scratch.path, 'on-path', '', '99beta1');
  const other = fakePgDump(scratch.path, 'other', '');
  const found = await findClients('pg_dump', own, { PATH: `${other}-none:${onPath}` });
  expect(found[0]).toEqual({ path: `${own}/pg_dump`, major: 14, version: '14.9 (Debian 14.9-1)' });
  expect(found.at(-1)).toEqual({ path: `${onPath}/pg_dump`, major: 99, version: '99beta1' });
});
