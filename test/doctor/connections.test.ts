import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { admitPatient } from './patient.ts';

const signal = new AbortController().signal;
const patient = await admitPatient();

test.each([
  ['on', 4, 'ok'],
  ['on', 3, 'fault'],
  ['on', 2, 'fault'],
  ['off', 3, 'ok'],
  ['off', 2, 'fault'],
])('with MEDIA_MANIFEST=%s, it says of a role’s limit of %i what a backup finds: %s', async (...row) => {
  const [media, limit, state] = row;
  const references = join(patient.bed.directory, 'references.json');
  await writeFile(references, '[{"column": "files.key"}]');
  // So many that they are still being read when pg_dump connects.
  await patient.bed.database.query(`CREATE TABLE files (id int PRIMARY KEY, key text);
    INSERT INTO files SELECT g, 'media/' || g FROM generate_series(1, 100000) AS g; GRANT SELECT ON files TO ${patient.quoted}`);
  await patient.admin((client) => client.query(`ALTER ROLE ${patient.quoted} CONNECTION LIMIT ${limit}`));
  try {
    const env = { ...patient.asRole, MEDIA_MANIFEST: media, AUDIT_REFERENCES: references };
    const found = (await patient.examine(env)).find(({ check }) => check === 'database: connections');
    // Sessions that have ended a moment ago may still count as open.
    expect(found).toMatchObject(
      state === 'ok' ? { detail: expect.stringMatching(/ are allowed$| open now$/) } : { state },
    );
    const backup = await patient.bed.run(['backup'], env);
    // Where one is missing, the dump and the list of media take it from each other.
    const isWhole = backup.status === 0 && !backup.stderr.includes('no list of its media');
    expect(isWhole ? 'ok' : 'fault').toBe(state);
  } finally {
    await patient.admin((client) => client.query(`ALTER ROLE ${patient.quoted} CONNECTION LIMIT -1`));
    await patient.bed.database.query('DROP TABLE files');
    await patient.bed.store.remove(await patient.bed.keys(), signal);
  }
});

test('connections that the server keeps for other roles are none for this one', async () => {
  const since16 = inject('postgresMajor') >= 16;
  const settings = { max_connections: '20', superuser_reserved_connections: '3' };
  const limit = since16 ? 12 : 17;
  const scratch = scratchDirectory('reserved');
  const server = await startPostgres({
    directory: scratch.path,
    settings: { ...settings, ...(since16 ? { reserved_connections: '5' } : {}) },
  });
  const asSuperuser = (sql: string) => withClient(server.env, 'postgres', (client) => client.query(sql));
  const env = { ...server.env, POSTGRES_USER: 'plain', POSTGRES_PASSWORD: 'x', POSTGRES_DB: 'theirs' };
  const found = async () =>
    (await patient.examine(env)).find(({ check }) => check === 'database: connections');
  /** Runs `work` while the role has so many sessions. */
  const withSessions = (number: number, work: () => Promise<void>): Promise<void> =>
    number === 0 ? work() : withClient(env, 'theirs', () => withSessions(number - 1, work));
  try {
    await asSuperuser("CREATE ROLE plain LOGIN PASSWORD 'x'");
    await asSuperuser('CREATE DATABASE theirs OWNER plain');
    expect(await found()).toMatchObject({ state: 'ok' });
    const grant = 'GRANT pg_use_reserved_connections TO "plain" WITH INHERIT TRUE';
    const join = since16 ? `, or ${grant}` : '';
    await withSessions(limit - 3, async () => {
      // A session that has ended a moment ago may still count as open.
      await expect.poll(found, { timeout: 20_000 }).toEqual({
        check: 'database: connections',
        state: 'warning',
        detail: `this role and others may together have ${limit} connections at once, but a backup needs 4, while ${limit - 3} others are open now`,
        remedy: `raise max_connections to 21 or more${join}`,
      });
    });
    await withSessions(limit, async () => {
      const { status, stderr } = await patient.bed.run(['backup', '--quiet'], env);
      expect(status).toBe(1);
      expect(stderr).toMatch(/cannot connect to .*: remaining connection slots are reserved for .* — wait, /);
      expect(stderr.trimEnd()).toMatch(
        since16
          ? /or GRANT pg_use_reserved_connections to the role WITH INHERIT TRUE$/
          : /or raise max_connections$/,
      );
      if (!since16) return;
      await asSuperuser(grant);
      await expect.poll(found, { timeout: 20_000 }).toMatchObject({ state: 'ok' });
    });
  } finally {
    await server.stop();
    scratch.remove();
  }
});
