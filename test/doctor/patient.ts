import pg from 'pg';
import { afterAll, beforeEach, expect, inject } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import type { DoctorFinding } from '../../src/doctor/check.ts';
import { examineDatabase } from '../../src/doctor/database-checks.ts';
import { examineStore } from '../../src/doctor/store-checks.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import { withClient } from '../support/database.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

/** A test bed whose database and contents belong to a role that has the rights that backups and restores need. */
export interface Patient {
  readonly bed: TestBed;
  /** The database, for the role. */
  readonly database: Database;
  /** The role, as SQL spells it. */
  readonly quoted: string;
  /** The settings that make it the one that connects. */
  readonly asRole: Readonly<Record<string, string>>;
  /** What the doctor finds, as the role. */
  examine(env?: Readonly<Record<string, string>>): Promise<DoctorFinding[]>;
  /** Does what the remedies say, as far as they are statements. */
  cure(findings: readonly DoctorFinding[]): Promise<void>;
  /** The role's databases besides that of the bed. */
  probes(): Promise<string[]>;
  /** Runs `work` as a superuser, connected to another database. */
  admin<T>(work: (client: pg.Client) => Promise<T>): Promise<T>;
  /** Gives the role the rights that a test may have taken from it, and lets the server answer again. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Reading everything is a predefined role's right since PostgreSQL 14. */
export const MAY_READ_ALL = inject('postgresMajor') >= 14;

export const PREDEFINED = MAY_READ_ALL ? 'pg_read_all_data, pg_signal_backend' : 'pg_signal_backend';

/** The remedy for a role that cannot read everything. */
export const GRANT_READING = MAY_READ_ALL
  ? 'GRANT pg_read_all_data TO <role>'
  : 'GRANT USAGE ON SCHEMA … TO <role>; GRANT SELECT ON ALL TABLES IN SCHEMA … TO <role>; GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO <role>';

/** What is found besides where a superuser has created something. */
export const OF_A_SUPERUSER = {
  check: 'database: owners',
  detail: expect.stringMatching(
    /^some of its objects belong to the role ".*", and this role is not a member of it, so a restore cannot give them back$/,
  ),
  remedy: 'restore as a superuser (POSTGRES_USER), or with --no-owner',
};

export const unwell = (findings: readonly DoctorFinding[]) => findings.filter(({ state }) => state !== 'ok');

const CONTENTS = ['TABLE one', 'TABLE two', 'SCHEMA closed', 'TABLE closed.three'];

/** The patient of one file of tests: reset before each of them, closed after the last. */
export async function admitPatient(): Promise<Patient> {
  const patient = await createPatient();
  beforeEach(() => patient.reset());
  afterAll(() => patient.close());
  return patient;
}

async function createPatient(): Promise<Patient> {
  const signal = new AbortController().signal;
  const bed = await createTestBed(inject('postgres'));
  const { name } = bed.database;
  const role = `${name}_"role"`;
  const quoted = pg.escapeIdentifier(role);
  const asRole = { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' };
  const admin: Patient['admin'] = (work) => withClient(bed.env, 'postgres', work);
  await bed.database.query(
    'CREATE TABLE one (); CREATE TABLE two (); CREATE SCHEMA closed; CREATE TABLE closed.three ()',
  );
  await admin((client) => client.query(`CREATE ROLE ${quoted} LOGIN PASSWORD 'x'`));
  for (const object of CONTENTS) await bed.database.query(`ALTER ${object} OWNER TO ${quoted}`);
  return {
    bed,
    database: openDatabase(readConfig({ env: { ...bed.env, ...asRole }, flags: {} }, ['database']), {}),
    quoted,
    asRole,
    admin,
    async examine(env = {}) {
      const config = readConfig({ env: { ...bed.env, ...asRole, ...env }, flags: {} }, [
        'database',
        'store',
        'media',
        'tools',
      ]);
      const { binDir, mediaManifest } = config;
      const options = { binDir, mediaManifest, env: process.env, now: () => new Date(), signal };
      const store = openStore(config);
      try {
        const findings = await examineDatabase(openDatabase(config, {}), options);
        return [...findings, ...(await examineStore(store, config, options))];
      } finally {
        store.close();
      }
    },
    async cure(findings) {
      for (const { remedy = '' } of findings)
        await bed.database.query(
          remedy.replace(/, or .*/, '').replaceAll('SCHEMA …', 'SCHEMA public, closed'),
        );
    },
    async probes() {
      const { rows } = await admin((client) =>
        client.query<{ datname: string }>(
          'SELECT datname FROM pg_database WHERE datdba = $1::regrole AND datname <> $2',
          [quoted, name],
        ),
      );
      return rows.map(({ datname }) => datname);
    },
    async reset() {
      bed.server.faults.length = 0;
      await admin((client) =>
        client.query(
          `ALTER ROLE ${quoted} CREATEDB; ALTER DATABASE "${name}" OWNER TO ${quoted}; GRANT ${PREDEFINED} TO ${quoted}`,
        ),
      );
    },
    async close() {
      for (const object of CONTENTS) await bed.database.query(`ALTER ${object} OWNER TO CURRENT_USER`);
      await bed.database.query(`DROP OWNED BY ${quoted}`);
      await admin((client) =>
        client.query(`ALTER DATABASE "${name}" OWNER TO CURRENT_USER; DROP ROLE ${quoted}`),
      );
      await bed.close();
    },
  };
}
