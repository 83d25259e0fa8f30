import { isIPv6 } from 'node:net';
import * as v from 'valibot';
import { withoutBrackets } from '../database-url.ts';
import { bareText, NAME_BYTES, text, wholeNumber } from '../forms.ts';
import { defineSettings } from '../setting.ts';

/**
 * Whether a value may be an address with a password, with any scheme (dj-database-url has `postgis`) or none, or a
 * libpq connection string with one. Taken as a name, it would be shown in every message.
 */
function looksLikeAddress(value: string): boolean {
  return /:.*@|pass(?:word)?\s*=/is.test(value.replace(/^\s*[\w+.-]+:\/\//, ''));
}

const databaseName = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxBytes(NAME_BYTES),
  v.check((value) => !looksLikeAddress(value)),
);
const databaseForm = `a database name of at most ${NAME_BYTES} bytes, not an address with a password`;

/** The directory of a socket, a name, or an address. A colon outside an IPv6 address would begin a port. */
function isHost(value: string): boolean {
  if (value.startsWith('/')) return true;
  const host = withoutBrackets(value);
  return /^[^\s/@:]+$/.test(host) || isIPv6(host.replace(/%[^\s/@%]+$/, ''));
}

/** The PostgreSQL server, and its client programs on this machine. */
export const DATABASE_SETTINGS = defineSettings({
  host: {
    group: 'database',
    names: ['POSTGRES_HOST', 'DATABASE_HOST', 'PGHOST'],
    flag: 'host',
    schema: v.pipe(text, v.check(isHost), v.transform(withoutBrackets)),
    fallback: 'localhost',
    form: 'a host name or an address, without a port, or the directory of a socket',
    about: 'PostgreSQL server.',
  },
  port: {
    group: 'database',
    names: ['POSTGRES_PORT', 'DATABASE_PORT', 'PGPORT'],
    flag: 'port',
    schema: wholeNumber(1, 65_535),
    fallback: '5432',
    form: 'a port, 1 to 65535',
    about: 'PostgreSQL port.',
  },
  user: {
    group: 'database',
    names: ['POSTGRES_USER', 'DATABASE_USER', 'PGUSER'],
    flag: 'user',
    schema: text,
    form: 'the name of a role',
    about: 'Role that dumps and restores; needs CREATEDB for restores.',
  },
  password: {
    group: 'database',
    names: ['POSTGRES_PASSWORD', 'DATABASE_PASSWORD', 'PGPASSWORD'],
    schema: v.pipe(v.string(), v.minLength(1)),
    optional: true,
    secret: true,
    form: 'the role’s password',
    about:
      'PostgreSQL password; without one, `PGPASSFILE` is used, or the server must not ask for one. Lines of that file must cover `POSTGRES_MAINTENANCE_DB` and temporary databases too: give `*` as the database.',
  },
  database: {
    group: 'database',
    names: ['POSTGRES_DB', 'DATABASE_NAME', 'PGDATABASE'],
    flag: 'database',
    schema: databaseName,
    form: databaseForm,
    about:
      'Database to back up and restore. Commands that only use the bucket do not need it; if the variable is set, `health`, `prune --dry-run` and `latest` leave backups of other databases aside.',
  },
  maintenanceDatabase: {
    group: 'database',
    names: ['POSTGRES_MAINTENANCE_DB'],
    schema: databaseName,
    fallback: 'postgres',
    form: databaseForm,
    about:
      'Database to connect to while others are created, renamed or dropped; the lock is held there, so all runs must use the same one.',
  },
  binDir: {
    group: 'tools',
    names: ['PG_BINDIR', 'POSTGRES_BINARY_PATH'],
    schema: bareText,
    optional: true,
    form: 'a directory that contains pg_dump',
    about: 'Directory searched first for pg_dump and pg_restore.',
  },
});
