import pg from 'pg';
import { expect, inject, test } from 'vitest';
import type { DoctorFinding } from '../../src/doctor/check.ts';
import { withClient } from '../support/database.ts';
import { admitPatient, GRANT_READING, OF_A_SUPERUSER, PREDEFINED, unwell } from './patient.ts';

const signal = new AbortController().signal;
const patient = await admitPatient();

const GIVEN: readonly [what: string, grant: string, since: number, why: string, noOwner: 'ok' | 'refused'][] =
  [
    ['is no member of', '', 10, 'is not a member of it', 'refused'],
    [
      'does not inherit from',
      'GRANT <owner> TO <role> WITH INHERIT FALSE',
      16,
      'does not inherit its rights',
      'refused',
    ],
    ['may not become', 'GRANT <owner> TO <role> WITH SET FALSE', 16, 'may not SET ROLE to it', 'ok'],
    [
      'may only grant',
      'GRANT <owner> TO <role> WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
      16,
      'may neither SET ROLE to it nor use its rights',
      'refused',
    ],
  ];

test.each(GIVEN.filter(([, , since]) => inject('postgresMajor') >= since))(
  'where the role %s the database’s owner, it says what a restore would, and the remedy helps both',
  async (_, grant, __, why, noOwner) => {
    const { name } = patient.bed.database;
    const owner = `${name}_owner`;
    const restore = (...more: string[]) =>
      patient.bed.run(['restore', '--latest', '--dry-run', '--no-audit', ...more], patient.asRole);
    await patient.admin((client) =>
      client.query(`CREATE ROLE ${owner}; ALTER DATABASE "${name}" OWNER TO ${owner}`),
    );
    await patient.bed.database.query(grant.replace('<owner>', owner).replace('<role>', patient.quoted));
    try {
      expect(await patient.bed.run(['backup', '--quiet'])).toMatchObject({ status: 0 });
      const found = unwell(await patient.examine());
      expect(found).toMatchObject([
        { check: 'database: rename', state: 'fault', detail: expect.stringContaining(`this role ${why}`) },
      ]);
      const since16 = inject('postgresMajor') >= 16;
      const remedy = `GRANT "${owner}" TO ${patient.quoted}${since16 ? ' WITH INHERIT TRUE, SET TRUE' : ''}`;
      expect(found[0]?.remedy?.replace(', or restore with --no-owner', '')).toBe(remedy);
      const refused = await restore();
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining(` — ${remedy}, or `) });
      expect(refused.stderr).toContain(`this role ${why}`);
      expect(await restore('--no-owner')).toMatchObject({ status: noOwner === 'ok' ? 0 : 1 });

      await patient.cure(found);
      expect(unwell(await patient.examine())).toEqual([]);
      expect(await restore()).toMatchObject({ status: 0 });
    } finally {
      await patient.admin((client) =>
        client.query(`ALTER DATABASE "${name}" OWNER TO CURRENT_USER; DROP ROLE ${owner}`),
      );
      await patient.bed.store.remove(await patient.bed.keys(), signal);
    }
  },
);

test('where objects have owners that the role cannot act for, the remedy makes a restore work', async () => {
  const { name } = patient.bed.database;
  const [sales, lab] = [`${name}_sales`, `${name}_"lab"`];
  const restore = () =>
    patient.bed.run(
      ['restore', '--latest', '--into', `${name}_into`, '--no-audit', '--quiet'],
      patient.asRole,
    );
  await patient.admin((client) =>
    client.query(`CREATE ROLE "${sales}"; CREATE ROLE ${pg.escapeIdentifier(lab)}`),
  );
  await patient.bed.database.query(`CREATE SCHEMA of_sales AUTHORIZATION "${sales}";
    CREATE TYPE of_sales.colour AS ENUM ('red'); ALTER TYPE of_sales.colour OWNER TO "${sales}";
    CREATE TYPE span AS RANGE (subtype = int); ALTER TYPE span OWNER TO ${patient.quoted};
    CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION one() OWNER TO ${patient.quoted};
    ALTER DEFAULT PRIVILEGES FOR ROLE ${pg.escapeIdentifier(lab)} GRANT SELECT ON TABLES TO PUBLIC`);
  try {
    expect(await patient.bed.run(['backup', '--quiet'])).toMatchObject({ status: 0 });
    // What is temporary, a superuser's schema for it included, is in no dump.
    const found = await withClient(patient.bed.env, name, async (client) => {
      await client.query('CREATE TEMPORARY TABLE passing (n int); CREATE EXTENSION pg_trgm');
      return unwell(await patient.examine());
    });
    expect(found).toMatchObject([{ check: 'database: owners', state: 'fault' }]);
    expect(found[0]?.detail).toContain(`the roles ${JSON.stringify(lab)}, ${JSON.stringify(sales)}, and`);
    expect(await restore()).toMatchObject({ status: 1 });
    await patient.cure(found);
    expect(unwell(await patient.examine())).toEqual([]);
    expect(await restore()).toMatchObject({ stderr: '', status: 0 });
  } finally {
    await patient.admin((client) => client.query(`DROP DATABASE IF EXISTS "${name}_into"`));
    for (const owner of [sales, lab]) {
      await patient.bed.database.query(`DROP OWNED BY ${pg.escapeIdentifier(owner)}`);
      await patient.admin((client) => client.query(`DROP ROLE ${pg.escapeIdentifier(owner)}`));
    }
    await patient.bed.database.query('DROP FUNCTION one(); DROP TYPE span; DROP EXTENSION pg_trgm');
    await patient.bed.store.remove(await patient.bed.keys(), signal);
  }
});

test('the owner of an extension counts for nothing, that of the schema public if it is not the usual one', async () => {
  const { name } = patient.bed.database;
  const admins = `${name}_admins`;
  await patient.admin((client) => client.query(`CREATE ROLE ${admins} SUPERUSER`));
  await patient.bed.database.query(`SET ROLE ${admins}; CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore`);
  try {
    expect(unwell(await patient.examine())).toEqual([]);
    const [was] = await patient.bed.database.query<{ owner: string }>(
      `SELECT quote_ident(rolname) AS owner FROM pg_namespace JOIN pg_roles r ON r.oid = nspowner WHERE nspname = 'public'`,
    );
    await patient.bed.database.query(`ALTER SCHEMA public OWNER TO ${admins}`);
    expect(unwell(await patient.examine())).toMatchObject([{ ...OF_A_SUPERUSER, state: 'fault' }]);
    await patient.bed.database.query(
      `ALTER SCHEMA public OWNER TO ${was?.owner}; CREATE TYPE pair AS (a int, b int)`,
    );
    expect(unwell(await patient.examine())).toMatchObject([{ ...OF_A_SUPERUSER, state: 'fault' }]);
    await patient.bed.database.query('DROP TYPE pair');
  } finally {
    await patient.bed.database.query(`DROP EXTENSION pg_trgm, hstore`);
    await patient.admin((client) => client.query(`DROP ROLE ${admins}`));
  }
});

test.each([
  ['a member', true],
  ['no member', false],
])(
  'where a role that does not inherit is %s of the roles that it needs, the remedies help',
  async (...row) => {
    const [, isMember] = row;
    await patient.admin(async (client) => {
      await client.query(
        `ALTER ROLE ${patient.quoted} NOINHERIT; REVOKE ${PREDEFINED} FROM ${patient.quoted}`,
      );
      if (isMember) await client.query(`GRANT ${PREDEFINED} TO ${patient.quoted}`);
    });
    await patient.bed.database.query(`REVOKE SELECT ON one FROM ${patient.quoted}`);
    try {
      const findings = unwell(await patient.examine());
      expect(findings.map(({ check }) => check)).toEqual(['database: read all', 'database: sessions']);
      await patient.cure(findings);
      expect(unwell(await patient.examine())).toEqual([]);
    } finally {
      await patient.bed.database.query(`GRANT SELECT ON one TO ${patient.quoted}`);
      await patient.admin((client) => client.query(`ALTER ROLE ${patient.quoted} INHERIT`));
    }
  },
);

test('where the role takes on another one, the remedies are for that one, except for connections', async () => {
  const active = `${patient.bed.database.name}_active`;
  await patient.admin((client) =>
    client.query(
      `CREATE ROLE ${active}; GRANT ${active} TO ${patient.quoted}; ALTER ROLE ${patient.quoted} CONNECTION LIMIT 3`,
    ),
  );
  const doctor = async () => {
    const { stdout } = await patient.bed.run(['doctor', '--json'], {
      ...patient.asRole,
      PGOPTIONS: `-c role=${active}`,
    });
    return unwell(JSON.parse(stdout) as DoctorFinding[]);
  };
  try {
    const findings = await doctor();
    expect(findings.map(({ check, remedy }) => [check, remedy])).toEqual([
      ['database: read all', `${GRANT_READING.replaceAll('<role>', `"${active}"`)}, or use the owner`],
      // The other role cannot become a member of one that is a member of it.
      ['database: owners', 'restore as a superuser (POSTGRES_USER), or with --no-owner'],
      ['database: rename', `ALTER DATABASE "${patient.bed.database.name}" OWNER TO "${active}"`],
      [
        'database: sessions',
        `GRANT pg_signal_backend TO "${active}", or stop the application before a restore`,
      ],
      ['database: connections', expect.stringContaining(`ALTER ROLE ${patient.quoted} CONNECTION LIMIT `)],
      ['database: create', `ALTER ROLE "${active}" CREATEDB`],
    ]);
    const left = ['database: owners', 'database: connections'];
    await patient.cure(findings.filter(({ check }) => !left.includes(check)));
    expect((await doctor()).map(({ check }) => check)).toEqual(left);
  } finally {
    await patient.bed.database.query(
      `ALTER DATABASE "${patient.bed.database.name}" OWNER TO CURRENT_USER; DROP OWNED BY ${active}`,
    );
    await patient.admin((client) =>
      client.query(`DROP ROLE ${active}; ALTER ROLE ${patient.quoted} CONNECTION LIMIT -1`),
    );
  }
});
