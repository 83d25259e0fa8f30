import * as v from 'valibot';

/** What a group of commands talks to; a command names the groups whose settings it needs. */
export type SettingGroup = 'database' | 'store' | 'backup' | 'tools' | 'log';

/**
 * One setting: where it is read from, what it may be, and the words for the README and for error messages.
 * `names` are environment variables, the first one that is set wins; a `secret` is also read from `NAME_FILE`.
 */
export interface Setting<S extends Schema = Schema> {
  readonly group: SettingGroup;
  readonly names: readonly [string, ...string[]];
  /** Long flag without dashes; flags win over the environment. */
  readonly flag?: string;
  readonly schema: S;
  /** The text that is parsed when nothing is given; without it the setting is required, or absent if `optional`. */
  readonly fallback?: string;
  readonly optional?: true;
  readonly secret?: true;
  /** The accepted form, as it follows "expected" in an error message. */
  readonly form: string;
  /** One sentence for the README and the help. */
  readonly about: string;
}

type Schema = v.GenericSchema<string, unknown>;

const text = v.pipe(v.string(), v.trim(), v.minLength(1));
const wholeNumber = (min: number, max: number) =>
  v.pipe(v.string(), v.trim(), v.regex(/^\d{1,15}$/), v.transform(Number), v.minValue(min), v.maxValue(max));
const flag = v.pipe(
  v.string(),
  v.trim(),
  v.toLowerCase(),
  v.picklist(['1', 'true', 'yes', 'on', '0', 'false', 'no', 'off']),
  v.transform((value) => ['1', 'true', 'yes', 'on'].includes(value)),
);
const yesOrNo = 'True or False (also 1/0, yes/no, on/off)';
const endpoint = v.pipe(
  text,
  v.check((value) => URL.canParse(value.includes('://') ? value : `https://${value}`)),
  v.check((value) => !value.includes('://') || /^https?:\/\//i.test(value)),
);
const keyPrefix = v.pipe(
  text,
  v.check((value) => !value.startsWith('/') && !/\p{Cc}/u.test(value)),
  v.transform((value) => (value.endsWith('/') ? value : `${value}/`)),
);

/** Identifiers of PostgreSQL are at most 63 bytes (NAMEDATALEN − 1, manual §4.1.1). */
const databaseName = v.pipe(v.string(), v.minLength(1), v.maxBytes(63));

function define<const T extends Record<string, Setting>>(table: T): T {
  return table;
}

/** Every setting of the tool, in the order in which the README lists them. */
export const SETTINGS = define({
  host: {
    group: 'database',
    names: ['POSTGRES_HOST', 'DATABASE_HOST', 'PGHOST'],
    flag: 'host',
    schema: text,
    fallback: 'localhost',
    form: 'a host name, an address or the directory of a socket',
    about: 'PostgreSQL server.',
  },
  port: {
    group: 'database',
    names: ['POSTGRES_PORT', 'DATABASE_PORT', 'PGPORT'],
    flag: 'port',
    schema: wholeNumber(1, 65_535),
    fallback: '5432',
    form: 'a port, 1 to 65535',
    about: 'Its port.',
  },
  user: {
    group: 'database',
    names: ['POSTGRES_USER', 'DATABASE_USER', 'PGUSER'],
    flag: 'user',
    schema: text,
    form: 'the name of a role',
    about: 'Role that dumps and restores; it needs CREATEDB for restores.',
  },
  password: {
    group: 'database',
    names: ['POSTGRES_PASSWORD', 'DATABASE_PASSWORD', 'PGPASSWORD'],
    schema: v.pipe(v.string(), v.minLength(1)),
    optional: true,
    secret: true,
    form: 'the role’s password',
    about: 'Its password; without one, `PGPASSFILE` or the server’s trust is used.',
  },
  database: {
    group: 'database',
    names: ['POSTGRES_DB', 'DATABASE_NAME', 'PGDATABASE'],
    flag: 'database',
    schema: databaseName,
    form: 'the name of a database, at most 63 bytes',
    about: 'Database to back up and restore.',
  },
  maintenanceDatabase: {
    group: 'database',
    names: ['POSTGRES_MAINTENANCE_DB'],
    schema: databaseName,
    fallback: 'postgres',
    form: 'the name of a database, at most 63 bytes',
    about: 'Database to connect to while others are created, renamed or dropped.',
  },
  binDir: {
    group: 'tools',
    names: ['PG_BINDIR'],
    schema: text,
    optional: true,
    form: 'a directory that holds pg_dump',
    about: 'Looked into first for pg_dump and pg_restore.',
  },
  endpoint: {
    group: 'store',
    names: ['AWS_S3_ENDPOINT_URL', 'S3_ENDPOINT'],
    flag: 'endpoint',
    schema: endpoint,
    optional: true,
    form: 'an address such as https://s3.example.org or s3.example.org:9000',
    about: 'S3 server; without it, AWS.',
  },
  bucket: {
    group: 'store',
    names: ['AWS_STORAGE_BUCKET_NAME', 'S3_BUCKET'],
    flag: 'bucket',
    schema: v.pipe(text, v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/)),
    fallback: 'topobank-assets',
    form: 'a bucket name of 2 to 63 letters, digits, dots, dashes',
    about: 'Bucket; created when it is missing and the key may.',
  },
  accessKeyId: {
    group: 'store',
    names: ['AWS_ACCESS_KEY_ID'],
    schema: text,
    secret: true,
    form: 'an access key',
    about: 'Access key.',
  },
  secretAccessKey: {
    group: 'store',
    names: ['AWS_SECRET_ACCESS_KEY'],
    schema: text,
    secret: true,
    form: 'a secret key',
    about: 'Secret key.',
  },
  region: {
    group: 'store',
    names: ['S3_REGION', 'AWS_S3_REGION_NAME', 'AWS_REGION'],
    schema: v.pipe(text, v.regex(/^[A-Za-z0-9-]+$/)),
    fallback: 'eu-central-1',
    form: 'a region such as eu-central-1',
    about: 'Region that requests are signed for.',
  },
  prefix: {
    group: 'store',
    names: ['S3_PREFIX'],
    flag: 'prefix',
    schema: keyPrefix,
    fallback: 'backup/',
    form: 'a prefix such as backup/ without a leading slash',
    about: 'Where backups lie in the bucket.',
  },
  forcePathStyle: {
    group: 'store',
    names: ['S3_FORCE_PATH_STYLE'],
    schema: flag,
    fallback: '1',
    form: yesOrNo,
    about: 'Bucket in the path of the address instead of in its host name.',
  },
  useTls: {
    group: 'store',
    names: ['AWS_S3_USE_SSL'],
    schema: flag,
    fallback: 'True',
    form: yesOrNo,
    about: 'https or http, where the endpoint is given without either.',
  },
  verifyTls: {
    group: 'store',
    names: ['AWS_S3_VERIFY'],
    schema: flag,
    fallback: 'True',
    form: yesOrNo,
    about: 'Check the S3 server’s certificate.',
  },
  maxParts: {
    group: 'backup',
    names: ['S3_MAX_PARTS'],
    schema: wholeNumber(1, 10_000),
    fallback: '10000',
    form: 'a number of parts, 1 to 10000',
    about: 'Most parts of one upload that the S3 server takes (Scaleway: 1000).',
  },
  partsInFlight: {
    group: 'backup',
    names: ['S3_PARTS_IN_FLIGHT'],
    schema: wholeNumber(1, 32),
    fallback: '3',
    form: 'a number of parts, 1 to 32',
    about: 'Parts that are sent at the same time; each takes its size in memory.',
  },
  logLevel: {
    group: 'log',
    names: ['LOG_LEVEL'],
    schema: v.picklist(['debug', 'info', 'warn', 'error']),
    fallback: 'info',
    form: 'debug, info, warn or error',
    about: 'Least level that is logged; `debug` also shows stack traces.',
  },
  logFormat: {
    group: 'log',
    names: ['LOG_FORMAT'],
    schema: v.picklist(['text', 'json']),
    fallback: 'text',
    form: 'text or json',
    about: 'Lines for people, or JSON lines.',
  },
});

export type SettingName = keyof typeof SETTINGS;
