import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { OTHER_CERTIFICATE, OWN_CERTIFICATE } from '../support/certificates.ts';
import { dumpText } from '../support/dump-text.ts';
import { type S3Server, startS3Server } from '../support/s3-server/server.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

const signal = new AbortController().signal;
let bed: TestBed;
/** S3 servers that speak https: with a certificate that nobody vouches for, and with that of another host. */
let own: S3Server;
let other: S3Server;
let before: Awaited<ReturnType<typeof state>>;

const WHOLE = dumpText('CREATE TABLE public.t ();');
const CUT = dumpText('CREATE TABLE public.t ();', { complete: false });
const FILES: Readonly<Record<string, string | Buffer>> = {
  'cut.sql': CUT,
  'cut-rows.sql': dumpText('CREATE TABLE public.t (a int);\nCOPY public.t (a) FROM stdin;\n1\n', {
    complete: false,
  }),
  'cut.sql.gz': gzipSync(WHOLE.repeat(50)).subarray(0, -20),
  'cut.dump': Buffer.from('PGDMP\x01\x0e\x00\x04\x08\x01\x01'),
  'text.sql': 'Dear all,\nplease restore the database.\n',
  'empty.sql': '',
  'binary.sql': Buffer.alloc(5000),
  'cluster.sql': '--\n-- PostgreSQL database cluster dump\n--\n',
  'dump.sql.zst': Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0]),
  'whole.sql': WHOLE,
  'ca.pem': 'no certificate',
};

beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  [own, other] = await Promise.all([
    startS3Server({ directory: join(bed.directory, 'own'), tls: OWN_CERTIFICATE }),
    startS3Server({ directory: join(bed.directory, 'other'), tls: OTHER_CERTIFICATE }),
  ]);
  for (const [name, content] of Object.entries(FILES)) await writeFile(join(bed.directory, name), content);
  for (const name of ['fetched', 'directory']) await mkdir(join(bed.directory, name));
  await writeFile(join(bed.directory, 'directory/toc.dat'), 'PGDMP');
  await writeFile(join(bed.directory, 'fetched/postgres-backup-20200101000000.sql'), 'mine');
  const put = (name: string, text: string) =>
    bed.store.put(`backup/postgres-backup-${name}`, Buffer.from(text), {
      ifAbsent: true,
      contentType: 'text/plain',
      signal,
    });
  await put('20200101000000.sql', WHOLE);
  await put('20200102000000.sql', WHOLE);
  await put('20200102000000.manifest.json', '{"format": 1');
  await put('20200103000000.manifest.json', '{"format": 7}');
  await put('20200104000000.sql', CUT);
  await bed.database.query('CREATE TABLE mine AS SELECT 1 AS one');
  before = await state();
});

afterAll(async () => {
  expect(await state()).toEqual(before);
  await own.close();
  await other.close();
  await bed.close();
});

async function state() {
  const uploads = await bed.pendingUploads();
  const databases = await bed.databases();
  return {
    keys: await bed.keys(),
    uploads,
    databases,
    rows: await bed.database.query('SELECT one FROM mine'),
  };
}

interface Bad {
  readonly about: string;
  /** `@` stands for the directory with the files. */
  readonly args: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly status: number;
  readonly says: RegExp;
}

const BAD: readonly Bad[] = [
  // The database server.
  {
    about: 'a wrong password',
    args: 'backup',
    env: { POSTGRES_PASSWORD: 'wr0ng-s3cret' },
    status: 1,
    says: /cannot connect to database \S+ on 127\.0\.0\.1:\d+ as topobank: password authentication failed for user "topobank" — check POSTGRES_USER and POSTGRES_PASSWORD/,
  },
  {
    about: 'a wrong password, at a restore',
    args: 'restore @/whole.sql --yes',
    env: { POSTGRES_PASSWORD: 'wr0ng-s3cret' },
    status: 1,
    says: /password authentication failed/,
  },
  {
    about: 'no password',
    args: 'backup',
    env: { POSTGRES_PASSWORD: undefined },
    status: 1,
    says: /cannot connect .* — (set|check POSTGRES_USER and) POSTGRES_PASSWORD/,
  },
  {
    about: 'a host that does not exist',
    args: 'backup',
    env: { POSTGRES_HOST: 'nowhere.invalid' },
    status: 1,
    says: /on nowhere\.invalid:\d+ as topobank: getaddrinfo (ENOTFOUND|EAI_AGAIN) nowhere\.invalid — check POSTGRES_HOST/,
  },
  {
    about: 'a port on which nobody listens',
    args: 'backup --port 1',
    status: 1,
    says: /127\.0\.0\.1:1 as topobank: connect ECONNREFUSED 127\.0\.0\.1:1 — check POSTGRES_HOST and POSTGRES_PORT, and that the server is running/,
  },
  {
    about: 'a socket that does not exist',
    args: 'backup --host /nowhere',
    status: 1,
    says: /connect ENOENT \/nowhere\/\S+ — check POSTGRES_HOST/,
  },
  {
    about: 'a database that does not exist',
    args: 'backup --database nowhere',
    status: 1,
    says: /cannot connect to database nowhere .*: database "nowhere" does not exist — check POSTGRES_DB/,
  },
  {
    about: 'a maintenance database that does not exist',
    args: 'restore @/whole.sql --yes',
    env: { POSTGRES_MAINTENANCE_DB: 'nowhere' },
    status: 1,
    says: /database "nowhere" does not exist — set POSTGRES_MAINTENANCE_DB to a database that the role may connect to/,
  },
  {
    about: 'TLS demanded of a server without',
    args: 'backup',
    env: { PGSSLMODE: 'verify-full' },
    status: 1,
    says: /does not support SSL connections — set PGSSLMODE=disable, or enable TLS on the server/,
  },
  {
    about: 'a TLS mode that does not exist',
    args: 'backup',
    env: { PGSSLMODE: 'always' },
    status: 2,
    says: /PGSSLMODE: "always" is not accepted — use disable, allow, prefer, require, verify-ca or verify-full/,
  },
  {
    about: 'a root certificate that does not exist',
    args: 'backup',
    env: { PGSSLROOTCERT: '/nowhere/root.crt' },
    status: 2,
    says: /PGSSLROOTCERT: cannot read "\/nowhere\/root\.crt" — give a readable PEM file/,
  },
  // The S3 server.
  {
    about: 'a wrong secret key',
    args: 'list',
    env: { AWS_SECRET_ACCESS_KEY: 'wr0ng-s3cret' },
    status: 1,
    says: /cannot list .* in bucket topobank-assets \(http:\S+\): 403 SignatureDoesNotMatch — check AWS_SECRET_ACCESS_KEY/,
  },
  {
    about: 'a wrong access key',
    args: 'restore --latest --yes',
    env: { AWS_ACCESS_KEY_ID: 'someone' },
    status: 1,
    says: /403 InvalidAccessKeyId — check AWS_ACCESS_KEY_ID/,
  },
  {
    about: 'a wrong secret key, at a backup',
    args: 'backup',
    env: { AWS_SECRET_ACCESS_KEY: 'wr0ng-s3cret' },
    status: 1,
    says: /bucket topobank-assets .*: .*403.* — .*AWS_SECRET_ACCESS_KEY/,
  },
  {
    about: 'a bucket that does not exist',
    args: 'list --bucket nowhere',
    status: 1,
    says: /in bucket nowhere \(http:\S+\): 404 NoSuchBucket — check AWS_STORAGE_BUCKET_NAME/,
  },
  {
    about: 'a bucket that does not exist, at a restore',
    args: 'restore --latest --bucket nowhere',
    status: 1,
    says: /404 NoSuchBucket — check AWS_STORAGE_BUCKET_NAME/,
  },
  {
    about: 'a bucket of no name',
    args: 'list --bucket n',
    status: 2,
    says: /--bucket: "n" is not accepted, expected a bucket name of 3 to 63 letters, digits, dots, dashes or underscores — /,
  },
  {
    about: 'an S3 server that is not there',
    args: 'list --endpoint http://127.0.0.1:1',
    status: 1,
    says: /\(http:\/\/127\.0\.0\.1:1\): .*ECONNREFUSED.* — check AWS_S3_ENDPOINT_URL, and that the server is running/,
  },
  {
    about: 'an S3 host that does not exist',
    args: 'list --endpoint https://nowhere.invalid',
    status: 1,
    says: /(ENOTFOUND|EAI_AGAIN).* — check AWS_S3_ENDPOINT_URL/,
  },
  {
    about: 'https spoken to an S3 server of http',
    args: 'list',
    env: { AWS_S3_ENDPOINT_URL: '<http as https>' },
    status: 1,
    says: /: (EPROTO|ERR_SSL_\w+), [a-z ]+ — check whether AWS_S3_ENDPOINT_URL should be https or http$/m,
  },
  {
    about: 'an endpoint that contains the bucket',
    args: 'backup',
    env: { AWS_S3_ENDPOINT_URL: '<with bucket>' },
    status: 2,
    says: /cannot use bucket (\S+): the server has none under http:\/\/\S+\/\1, an address that ends with the name of the bucket — set AWS_S3_ENDPOINT_URL to http:\/\/[^/\s]+$/,
  },
  {
    about: 'an endpoint that contains the bucket, at a listing',
    args: 'list',
    env: { AWS_S3_ENDPOINT_URL: '<with bucket>' },
    status: 1,
    says: /: 404 NoSuchKey — set AWS_S3_ENDPOINT_URL to http:\/\/[^/\s]+$/m,
  },
  {
    about: 'an endpoint that is no address',
    args: 'list --endpoint ://x',
    status: 2,
    says: /--endpoint: ":\/\/x" is not accepted, expected an address such as/,
  },
  {
    about: 'a certificate that nobody vouches for',
    args: 'list',
    env: { AWS_S3_ENDPOINT_URL: '<own>' },
    status: 1,
    says: /(SELF_SIGNED_CERT|self-signed certificate).* — set NODE_EXTRA_CA_CERTS to the CA’s certificate file, or set AWS_S3_VERIFY=False/,
  },
  {
    about: 'the certificate of another host',
    args: 'list',
    env: { AWS_S3_ENDPOINT_URL: '<other>' },
    status: 1,
    says: / — set NODE_EXTRA_CA_CERTS to the CA’s certificate file, or set AWS_S3_VERIFY=False/,
  },
  // The command line and the environment.
  {
    about: 'an address with a password where a host is asked for',
    args: 'backup',
    env: { POSTGRES_HOST: 'postgres://u:hunter2@h/db' },
    status: 2,
    says: /POSTGRES_HOST: the value given is not accepted, expected a host name/,
  },
  {
    about: 'an address with a password where a database is asked for',
    args: 'backup',
    env: { POSTGRES_DB: 'postgres://u:hunter2@h/x' },
    status: 2,
    says: /POSTGRES_DB: the value given is not accepted, expected a database name/,
  },
  {
    about: 'one with the password behind it, in a flag',
    args: 'doctor --database postgres:///x?password=hunter2',
    status: 2,
    says: /--database: the value given is not accepted, expected a database name/,
  },
  {
    about: 'an address of the store with a password',
    args: 'list',
    env: { AWS_S3_ENDPOINT_URL: 'http://u:hunter2@localhost:9000' },
    status: 2,
    says: /AWS_S3_ENDPOINT_URL: the value given is not accepted, expected an address/,
  },
  {
    about: 'a path that ends like the name of a backup',
    args: 'restore /mistyped/postgres-backup-20200102000000.sql --yes',
    status: 4,
    says: /cannot read the dump mistyped\/postgres-backup-20200102000000.sql: there is no such file, and backups are stored under backup\/ — give the path/,
  },
  {
    about: 'an unknown flag',
    args: 'backup --frobnicate',
    status: 2,
    says: /^topobank-backup: cannot run topobank-backup backup: unknown option '--frobnicate' — see topobank-backup backup --help/,
  },
  {
    about: 'a flag that is misspelt',
    args: 'restore --lates',
    status: 2,
    says: /cannot run topobank-backup restore: unknown option '--lates' \(Did you mean --latest\?\) — see topobank-backup restore --help/,
  },
  {
    about: 'the beginning of several flags, which is nearest to --help',
    args: 'prune --keep 3',
    status: 2,
    says: /unknown option '--keep' — see topobank-backup prune --help/,
  },
  {
    about: 'a flag without its value',
    args: 'restore --latest --into',
    status: 2,
    says: /option '--into <name>' argument missing — see topobank-backup restore --help/,
  },
  {
    about: 'an unknown command',
    args: 'bakup',
    status: 2,
    says: /cannot run topobank-backup: unknown command 'bakup' \(Did you mean backup\?\) — see topobank-backup --help/,
  },
  ...['bakup -h', '--json bakup --help', 'help bakup'].map((args) => ({
    about: 'an unknown command, with more',
    args,
    status: 2,
    says: /unknown command 'bakup' \(Did you mean backup\?\) — see topobank-backup --help/,
  })),
  {
    about: 'an argument too few',
    args: 'show',
    status: 2,
    says: /cannot run topobank-backup show: missing required argument 'id' — /,
  },
  {
    about: 'an argument too many',
    args: 'list all',
    status: 2,
    says: /cannot run topobank-backup list: too many arguments.* — /,
  },
  {
    about: 'a port that is no number',
    args: 'backup',
    env: { POSTGRES_PORT: 'five' },
    status: 2,
    says: /cannot read the configuration: POSTGRES_PORT: "five" is not accepted, expected a port, 1 to 65535 — /,
  },
  {
    about: 'a port that is too high',
    args: 'backup --port 99999',
    status: 2,
    says: /--port: "99999" is not accepted, expected a port, 1 to 65535/,
  },
  {
    about: 'a number of parts that is negative',
    args: 'backup',
    env: { S3_MAX_PARTS: '-1' },
    status: 2,
    says: /S3_MAX_PARTS: "-1" is not accepted, expected a number of parts/,
  },
  {
    about: 'a time limit that is no number',
    args: 'backup',
    env: { PGCONNECT_TIMEOUT: 'soon' },
    status: 2,
    says: /PGCONNECT_TIMEOUT: "soon" is not accepted — give a number of seconds/,
  },
  {
    about: 'an empty variable',
    args: 'backup',
    env: { POSTGRES_DB: '' },
    status: 2,
    says: /POSTGRES_DB is empty, expected a database name of at most 63 bytes, not an address with a password — /,
  },
  {
    about: 'a variable that is not set',
    args: 'list',
    env: { AWS_ACCESS_KEY_ID: undefined },
    status: 2,
    says: /AWS_ACCESS_KEY_ID is not set, expected an access key — /,
  },
  {
    about: 'several that are wrong',
    args: 'backup',
    env: { POSTGRES_PORT: '0', AWS_S3_VERIFY: 'maybe', AWS_SECRET_ACCESS_KEY: '' },
    status: 2,
    says: /POSTGRES_PORT: "0" .*; AWS_SECRET_ACCESS_KEY is empty.*; AWS_S3_VERIFY: "maybe" is not accepted, expected True or False/,
  },
  {
    about: 'a secret file that does not exist',
    args: 'backup',
    env: { POSTGRES_PASSWORD_FILE: '/nowhere/secret' },
    status: 2,
    says: /POSTGRES_PASSWORD_FILE: cannot read "\/nowhere\/secret" \(ENOENT\), expected a readable file/,
  },
  {
    about: 'a prefix that begins with a slash',
    args: 'list --prefix /backup',
    status: 2,
    says: /--prefix: "\/backup" is not accepted, expected a prefix such as backup\/ without a leading slash/,
  },
  {
    about: 'a database name that is too long',
    args: `backup --database ${'x'.repeat(64)}`,
    status: 2,
    says: /--database: .* is not accepted, expected a database name of at most 63 bytes/,
  },
  {
    about: 'a restore of nothing',
    args: 'restore',
    status: 2,
    says: /cannot restore: no backup is given — give an ID, a FILE, --latest or --at TIME/,
  },
  {
    about: 'a restore of two things',
    args: 'restore 20200101000000 --latest',
    status: 2,
    says: /cannot restore: more than one backup is given — /,
  },
  {
    about: 'a time that is none',
    args: 'restore --at yesterday',
    status: 2,
    says: /--at: "yesterday" is not accepted — give a UTC time such as 2026-11-23T10:30/,
  },
  {
    about: 'a day that does not exist',
    args: 'restore --at 2026-02-30',
    status: 2,
    says: /--at: "2026-02-30" is not accepted/,
  },
  {
    about: 'two targets',
    args: 'restore --latest --in-place --drop-old',
    status: 2,
    says: /cannot restore: --in-place and --drop-old cannot be combined — give only one of them/,
  },
  {
    about: 'a target of no name',
    args: 'restore --latest --into=',
    status: 2,
    says: /--into: "" is not accepted — give a name of 1 to 63 bytes/,
  },
  {
    about: 'an age of orphans for a database that is only added',
    args: 'restore --latest --into beside --grace 1d',
    status: 2,
    says: /cannot restore: this restore has no use for --grace — omit --grace/,
  },
  {
    about: 'an age of orphans, and no comparison',
    args: 'restore --latest --no-audit --grace 1d',
    status: 2,
    says: /this restore has no use for --grace/,
  },
  {
    about: 'a bucket for a local file that is not compared with it',
    args: 'restore @/binary.sql --into beside --bucket other --prefix x/',
    status: 2,
    says: /this restore has no use for --bucket and --prefix — omit --bucket and --prefix/,
  },
  // Dumps and backups.
  {
    about: 'a file that does not exist',
    args: 'push @/nowhere.sql',
    status: 4,
    says: /cannot read the dump \S+\/nowhere\.sql: there is no such file — give a file written by pg_dump$/,
  },
  {
    about: 'a directory',
    args: 'restore @ --yes',
    status: 4,
    says: /: it is a directory — give a file written by pg_dump, or an id as shown by/,
  },
  {
    about: 'a dump in the directory format',
    args: 'restore @/directory --yes',
    status: 4,
    says: /\/directory: it is a directory — convert it with pg_restore --file=dump\.sql \S+\/directory and give dump\.sql/,
  },
  ...(['push @/', 'restore --yes @/'] as const).flatMap((args): Bad[] => [
    {
      about: 'a dump that ends early',
      args: `${args}cut.sql`,
      status: 1,
      says: /cannot read the dump \S+cut\.sql: it ends without pg_dump’s closing line — use a complete dump/,
    },
    {
      about: 'a dump that ends inside the rows',
      args: `${args}cut-rows.sql`,
      status: 1,
      says: /cut-rows\.sql: it ends inside the rows of public\.t — use a complete dump/,
    },
    {
      about: 'a gzip that ends early',
      args: `${args}cut.sql.gz`,
      status: 1,
      says: /cut\.sql\.gz: its gzip data is damaged or truncated \(.*\) — use a complete dump/,
    },
    {
      about: 'a dump in the custom format that ends early',
      args: `${args}cut.dump`,
      status: 1,
      says: /cannot read the dump \S+cut\.dump: \S+pg_restore: exit status 1, .* — use a complete dump/,
    },
    {
      about: 'text that is no dump',
      args: `${args}text.sql`,
      status: 1,
      says: /text\.sql: it does not begin with pg_dump’s header, so it is not a plain dump from pg_dump — give a file written by pg_dump/,
    },
    { about: 'an empty file', args: `${args}empty.sql`, status: 1, says: /empty\.sql: it is empty/ },
    {
      about: 'a file of null bytes',
      args: `${args}binary.sql`,
      status: 1,
      says: /binary\.sql: .*, so it is not a plain dump from pg_dump/,
    },
    {
      about: 'the dump of a whole cluster',
      args: `${args}cluster.sql`,
      status: 1,
      says: /it contains a whole cluster \(pg_dumpall\) — dump one database with pg_dump/,
    },
    {
      about: 'a dump in zstd',
      args: `${args}dump.sql.zst`,
      status: 1,
      says: /it is compressed with zstd — decompress it with zstd -d and give the \.sql/,
    },
  ]),
  {
    about: 'a backup that does not exist',
    args: 'restore 20190101000000 --yes',
    status: 4,
    says: /cannot use backup 20190101000000: there is no such backup under backup\/ of bucket topobank-assets — run `topobank-backup list`/,
  },
  {
    about: 'a backup that does not exist, to be shown',
    args: 'show 20190101000000',
    status: 4,
    says: /cannot show backup 20190101000000: there is no such backup/,
  },
  {
    about: 'a backup that does not exist, to be fetched',
    args: 'fetch 20190101000000 @',
    status: 4,
    says: /cannot use backup 20190101000000: there is no such backup/,
  },
  {
    about: 'an id that is none',
    args: 'fetch yesterday @',
    status: 2,
    says: /cannot choose a backup: ID: "yesterday" is not accepted — give an id as shown by `topobank-backup list`, or latest/,
  },
  {
    about: 'no backup at all',
    args: 'restore --latest --prefix empty/',
    status: 4,
    says: /cannot find the latest backup: there is no backup under empty\/ of bucket topobank-assets — set S3_PREFIX to where there are backups: /,
  },
  {
    about: 'a manifest that is no JSON',
    args: 'restore 20200102000000 --yes',
    status: 1,
    says: /cannot use backup 20200102000000: .*manifest\.json cannot be read: it is not JSON; [^—]* — /,
  },
  {
    about: 'a manifest that is no JSON, to be fetched',
    args: 'fetch 20200102000000 @',
    status: 1,
    says: /it is not JSON/,
  },
  {
    about: 'a manifest of another format, without a dump',
    args: 'restore 20200103000000 --yes',
    status: 1,
    says: /cannot use backup 20200103000000: .*format does not match format 1/,
  },
  {
    about: 'a stored dump that ends early',
    args: 'restore 20200104000000 --yes',
    status: 1,
    says: /cannot read the dump backup\/postgres-backup-20200104000000\.sql: it ends without pg_dump’s closing line/,
  },
  {
    about: 'a stored dump that ends early, to be fetched',
    args: 'fetch 20200104000000 @',
    status: 1,
    says: /it ends without pg_dump’s closing line/,
  },
  {
    about: 'a file that exists already',
    args: 'fetch 20200101000000 @/fetched',
    status: 2,
    says: /cannot write \S+\/fetched\/postgres-backup-20200101000000\.sql: the file exists — move it, or give another directory/,
  },
  {
    about: 'a directory that is a file',
    args: 'fetch 20200101000000 @/whole.sql',
    status: 2,
    says: /cannot write \S+whole\.sql: it is a file — give a writable directory/,
  },
  {
    about: 'a directory below a file',
    args: 'fetch 20200101000000 @/whole.sql/sub/directory',
    status: 2,
    says: /cannot write \S+directory: part of its path is a file — give a writable directory/,
  },
];

test.concurrent.each(BAD)('$about ($args)', async ({ args, env, status, says }) => {
  const endpoints: Readonly<Record<string, string>> = {
    '<own>': own.endpoint,
    '<other>': other.endpoint,
    '<with bucket>': `${bed.server.endpoint}/${bed.store.bucket}/`,
    '<http as https>': bed.server.endpoint.replace('http:', 'https:'),
  };
  const endpoint = env?.AWS_S3_ENDPOINT_URL;
  const words = args.split(' ').map((word) => word.replace('@', bed.directory));
  const result = await bed.run(words, {
    // Restores that are tried at the same time take turns.
    LOCK_WAIT: '2m',
    ...env,
    ...(endpoint === undefined ? {} : { AWS_S3_ENDPOINT_URL: endpoints[endpoint] ?? endpoint }),
  });
  const lines = result.stderr.split('\n').filter((line) => line !== '' && !/^\[.*\] INFO: /.test(line));
  expect(lines).toEqual([expect.stringMatching(says)]);
  expect(lines[0]).toMatch(/^topobank-backup: [^:]+.*: .+ — .+/);
  expect(result).toMatchObject({ status, stdout: '', signal: null });
  expect(result.stderr).not.toMatch(/wr0ng-s3cret|hunter2|quickstart-secret|\bat \S+ \(|\.js:\d+/);
});
