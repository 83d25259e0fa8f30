import { execFileSync, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { contradictions } from '../../src/config/contradictions.ts';
import { openSecretFiles } from '../../src/config/secret-files.ts';
import type { Setting, SettingGroup } from '../../src/config/setting.ts';
import { SETTINGS } from '../../src/config/settings.ts';
import { ConfigError } from '../../src/errors.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const directory = scratchDirectory('config');
afterAll(() => directory.remove());

const REQUIRED = {
  POSTGRES_USER: 'topobank',
  POSTGRES_DB: 'topobank',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'hush-hush',
};

function read(
  env: Record<string, string>,
  flags: Record<string, string> = {},
  groups = ['database', 'store', 'backup', 'log'] as const,
) {
  return readConfig({ env: { ...REQUIRED, ...env }, flags }, groups);
}

function problemsOf(
  env: Record<string, string | undefined>,
  groups: readonly SettingGroup[] = ['database', 'store', 'backup', 'log'],
): string {
  try {
    readConfig({ env: { ...REQUIRED, ...env }, flags: {} }, groups);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

test('what is missing may have been given under a mistyped name', () => {
  const env = { POSTGRES_USR: 'me', POSTGRES_DB: 'd' };
  expect(() => readConfig({ env, flags: {} }, ['database'])).toThrow(
    /POSTGRES_USER is not set, .*; POSTGRES_USR is unknown and has no effect; did you mean POSTGRES_USER\? — /,
  );
});

test.each([
  ['[::1]', '::1'],
  ['::1', '::1'],
  ['fe80::1%br_0', 'fe80::1%br_0'],
  ['db_1', 'db_1'],
  ['/run/[x]', '/run/[x]'],
])('the host %s is %s', (given, host) => {
  expect(read({ POSTGRES_HOST: given }).host).toBe(host);
});

test.each([
  ['POSTGRES_HOST', 'DATABASE_HOST', 'PGHOST'],
  ['POSTGRES_DB', 'DATABASE_NAME', 'PGDATABASE'],
  ['AWS_STORAGE_BUCKET_NAME', 'S3_BUCKET', undefined],
  ['AWS_S3_ENDPOINT_URL', 'S3_ENDPOINT', undefined],
])('%s wins over its aliases, and each alias counts', (first, second, third) => {
  const readFirst = (env: Record<string, string>) => {
    const config = readConfig(
      {
        env: {
          POSTGRES_USER: 'u',
          AWS_ACCESS_KEY_ID: 'k',
          AWS_SECRET_ACCESS_KEY: 's',
          ...(/_DB$/.test(first) ? {} : { POSTGRES_DB: 'd' }),
          ...env,
        },
        flags: {},
      },
      ['database', 'store'],
    );
    const name = Object.entries<Setting>(SETTINGS).find(([, { names }]) => names[0] === first)?.[0];
    return config[name as keyof typeof config];
  };
  const names = [first, second, third].filter((name) => name !== undefined);
  for (const [at] of names.entries()) {
    const given = names.slice(at);
    expect(
      readFirst(
        Object.fromEntries(given.map((name) => [name, `of-${name.toLowerCase().replaceAll('_', '-')}`])),
      ),
    ).toBe(`of-${given[0]?.toLowerCase().replaceAll('_', '-')}`);
  }
});

test('a flag wins over the environment, the environment over the default', () => {
  expect(read({}).port).toBe(5432);
  expect(read({ POSTGRES_PORT: '5433' }).port).toBe(5433);
  expect(read({ POSTGRES_PORT: '5433' }, { port: '5434' }).port).toBe(5434);
});

test('a secret is read from a file, which wins, without the line end of its last line', () => {
  const path = join(directory.path, 'password');
  writeFileSync(path, ' with blank \n');
  const { password } = read({ POSTGRES_PASSWORD: 'other', POSTGRES_PASSWORD_FILE: path });
  expect(password?.reveal()).toBe(' with blank ');
});

test('what a compose file passes on as nothing is not set', () => {
  expect(readConfig({ env: { TZ: '' }, flags: {} }, ['zone']).zone).toBe('UTC');
  const { password } = read({ POSTGRES_PASSWORD: 'given', POSTGRES_PASSWORD_FILE: '' });
  expect(password?.reveal()).toBe('given');
});

test.each([
  ['POSTGRES_PORT', 'eleven', /POSTGRES_PORT: "eleven" is not accepted, expected a port, 1 to 65535/],
  ['POSTGRES_PORT', '65536', /expected a port, 1 to 65535/],
  ['POSTGRES_PORT', '-1', /expected a port/],
  ['POSTGRES_PORT', '5432.5', /expected a port/],
  ['POSTGRES_PORT', '', /POSTGRES_PORT is empty, expected a port/],
  ['POSTGRES_HOST', '  ', /POSTGRES_HOST is empty/],
  ['POSTGRES_DB', 'x'.repeat(64), /POSTGRES_DB: .* at most 63 bytes/],
  ['AWS_STORAGE_BUCKET_NAME', 'no/slash', /AWS_STORAGE_BUCKET_NAME: "no\/slash" is not accepted/],
  ['POSTGRES_HOST', 'db.example.org:5432', /POSTGRES_HOST: "db.example.org:5432" is not accepted/],
  ['POSTGRES_HOST', '[::1]:5432', /POSTGRES_HOST: "\[::1\]:5432" is not accepted/],
  ['AWS_S3_ENDPOINT_URL', 'http:/s3:9000', /AWS_S3_ENDPOINT_URL: "http:\/s3:9000" is not accepted/],
  ['AWS_S3_ENDPOINT_URL', 'https//s3', /AWS_S3_ENDPOINT_URL: "https\/\/s3" is not accepted/],
  ['AWS_S3_ENDPOINT_URL', 'http:\\\\s3', /AWS_S3_ENDPOINT_URL: "http:\\\\\\\\s3" is not accepted/],
  [
    'AWS_S3_ENDPOINT_URL',
    'https://https://s3',
    /AWS_S3_ENDPOINT_URL: "https:\/\/https:\/\/s3" is not accepted/,
  ],
  ['AWS_S3_ENDPOINT_URL', 'ftp:/s3', /AWS_S3_ENDPOINT_URL: "ftp:\/s3" is not accepted/],
  ['AWS_S3_ENDPOINT_URL', 'ftp://x', /AWS_S3_ENDPOINT_URL: "ftp:\/\/x" is not accepted/],
  ['AWS_S3_ENDPOINT_URL', 'http://:', /AWS_S3_ENDPOINT_URL/],
  [
    'POSTGRES_DB',
    'postgres://a:hunter2@h/x',
    /POSTGRES_DB: the value given is not accepted, expected a database name/,
  ],
  ['POSTGRES_DB', 'PostgreSQL://a:hun/ter2@h', /POSTGRES_DB: the value given is not accepted/],
  ['POSTGRES_DB', 'postgres:///x?user=a&password=hunter2', /POSTGRES_DB: the value given is not accepted/],
  ['POSTGRES_DB', 'postgis://a:hunter2@b/x', /POSTGRES_DB: the value given is not accepted/],
  ['POSTGRES_DB', 'a:hunter2@b/x', /POSTGRES_DB: the value given is not accepted/],
  [
    'POSTGRES_DB',
    'jdbc:postgresql://b/x?user=a&pass=hunter2',
    /POSTGRES_DB: the value given is not accepted/,
  ],
  ['POSTGRES_DB', '//a:hunter2@b/x', /POSTGRES_DB: the value given is not accepted/],
  ['POSTGRES_DB', 'a:hun/ter2@b', /POSTGRES_DB: the value given is not accepted/],
  [
    'POSTGRES_MAINTENANCE_DB',
    'postgresql+psycopg://a:hunter2@b/x',
    /MAINTENANCE_DB: the value given is not accepted/,
  ],
  ['POSTGRES_DB', 'dbname=x password = hunter2', /POSTGRES_DB: the value given is not accepted/],
  ['POSTGRES_DB', `password=hunter2 ${'x'.repeat(63)}`, /POSTGRES_DB: the value given is not accepted/],
  ['POSTGRES_MAINTENANCE_DB', 'postgresql://a:hunter2@h', /POSTGRES_MAINTENANCE_DB: the value given is not/],
  ['POSTGRES_HOST', 'host=h password=hunter2', /POSTGRES_HOST: the value given is not accepted/],
  ['POSTGRES_HOST', 'db1:5432,db2:5432', /POSTGRES_HOST: "db1:5432,db2:5432" is not .* without a port/],
  ['POSTGRES_HOST', '[db:5432]', /POSTGRES_HOST: "\[db:5432\]" is not accepted, .* without a port/],
  ['POSTGRES_HOST', 'u:hunter2@h', /POSTGRES_HOST: the value given is not accepted/],
  ['AWS_S3_ENDPOINT_URL', 'k:hunter2@h:9000', /AWS_S3_ENDPOINT_URL: the value given is not accepted/],
  ['AWS_S3_ENDPOINT_URL', 'https://u:hun/ter2@h', /AWS_S3_ENDPOINT_URL: the value given is not accepted/],
  ['AWS_S3_VERIFY', 'maybe', /AWS_S3_VERIFY: "maybe" is not accepted, expected True or False/],
  ['S3_PREFIX', '/backup', /S3_PREFIX: "\/backup" is not accepted, expected a prefix such as backup\//],
  ['S3_MAX_PARTS', '10001', /S3_MAX_PARTS: "10001" is not accepted, expected a number of parts, 1 to 10000/],
  ['LOG_LEVEL', 'loud', /LOG_LEVEL: "loud" is not accepted, expected debug, info, warn or error/],
  ['AWS_SECRET_ACCESS_KEY', '', /AWS_SECRET_ACCESS_KEY is empty/],
  [
    'AWS_SECRET_ACCESS_KEY_FILE',
    '/nowhere/key',
    /AWS_SECRET_ACCESS_KEY_FILE: cannot read "\/nowhere\/key" \(ENOENT\), expected a readable file/,
  ],
  ['POSTGRES_PASSWORD_FILE', '/', /POSTGRES_PASSWORD_FILE: cannot read "\/" \(EISDIR\)/],
  ['POSTGRES_USER', undefined, /POSTGRES_USER is not set, expected the name of a role/],
] as const)('%s=%j is refused with the accepted form', (name, value, message) => {
  const problems = problemsOf({ [name]: value });
  expect(problems).toMatch(message);
  expect(problems).not.toMatch(/\n|hun\/?ter2/);
});

test.each(['postgres://x', 'postgres://me@host/x', 'me@host', 'passwords', 'a:b'])(
  'a database may be called %s',
  (name) => {
    expect(read({ POSTGRES_DB: name, POSTGRES_MAINTENANCE_DB: name })).toMatchObject({
      database: name,
      maintenanceDatabase: name,
    });
  },
);

test('all problems are told together', () => {
  const problems = problemsOf({
    POSTGRES_PORT: 'x',
    LOG_LEVEL: 'y',
    S3_PREFIX: '/z',
    POSTGRES_DB: undefined,
  });
  for (const name of ['POSTGRES_PORT', 'LOG_LEVEL', 'S3_PREFIX', 'POSTGRES_DB'])
    expect(problems).toContain(name);
});

test('settings of other groups are not looked at', () => {
  expect(readConfig({ env: { LOG_LEVEL: 'warn', POSTGRES_PORT: 'x' }, flags: {} }, ['log']).logLevel).toBe(
    'warn',
  );
});

test('no secret shows itself, in no message and no print', () => {
  const config = read({ POSTGRES_PASSWORD: 'hush-password' });
  for (const shown of [
    JSON.stringify(config),
    inspect(config, { depth: 9, showHidden: true }),
    `${config.password}${config.secretAccessKey}`,
  ]) {
    expect(shown).not.toMatch(/hush/);
    expect(shown).toContain('**redacted**');
  }
  expect(config.secretAccessKey.reveal()).toBe('hush-hush');
});

test.each([
  ['backup', 'backup/'],
  ['backup/', 'backup/'],
  ['a/b', 'a/b/'],
])('S3_PREFIX=%s means %s', (given, meant) => {
  expect(read({ S3_PREFIX: given }).prefix).toBe(meant);
});

test.each([
  ['True', true],
  ['false', false],
  ['1', true],
  ['0', false],
  ['YES', true],
  ['off', false],
  ['t', true],
  ['F', false],
])('a switch of %s is %s', (given, meant) => {
  expect(read({ AWS_S3_USE_SSL: given }).useTls).toBe(meant);
});

test('every setting has one first name, a form, a sentence, and a default that it accepts', () => {
  const all = Object.values<Setting>(SETTINGS);
  const names = all.flatMap((setting) => setting.names);
  expect(new Set(names).size).toBe(names.length);
  for (const {
    about,
    form,
    names: [name],
    fallback,
  } of all) {
    expect({ name, about, form }).toEqual({
      name,
      about: expect.stringMatching(/^\S.*\.$/s),
      form: expect.stringMatching(/^\S.*\S$/s),
    });
    if (fallback !== undefined)
      expect({ name, fallback: fallback.trim() }).not.toEqual({ name, fallback: '' });
  }
  const groups = [...new Set(all.map(({ group }) => group))];
  expect(() => readConfig({ env: REQUIRED, flags: {} }, groups)).not.toThrow();
});

test('a secret in a file is read again, and stays what it was while the file cannot be read', () => {
  const path = join(directory.path, 'rotated');
  writeFileSync(path, 'first\n');
  const { password } = read({ POSTGRES_PASSWORD_FILE: path });
  expect(password?.reveal()).toBe('first');
  writeFileSync(path, 'second\n');
  expect(password?.reveal()).toBe('second');
  for (const away of [() => writeFileSync(path, ''), () => rmSync(path)]) {
    away();
    expect(password?.reveal()).toBe('second');
  }
  writeFileSync(path, 'third\n');
  expect(password?.reveal()).toBe('third');
});

test.each(['stays', 'is removed'])('a secret that a pipe gave, which %s, is not asked for again', (what) => {
  const path = join(directory.path, `pipe ${what}`);
  execFileSync('mkfifo', [path]);
  const remove = what === 'stays' ? '' : `rm '${path}';`;
  // Opened, which waits for a reader, before it is removed.
  const writer = spawn('sh', ['-c', `exec 3> '${path}'; ${remove} echo piped >&3`]);
  const sources = {
    env: { ...REQUIRED, POSTGRES_PASSWORD_FILE: path, DATABASE_PASSWORD: 'piped' },
    flags: {},
    secretFiles: openSecretFiles(),
  };
  for (const _ of [1, 2]) expect(readConfig(sources, ['database']).password?.reveal()).toBe('piped');
  expect(contradictions(sources)).toEqual([]);
  writer.unref();
});
