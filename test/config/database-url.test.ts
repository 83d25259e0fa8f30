import { expect, test } from 'vitest';
import { parseDatabaseUrl } from '../../src/config/database-url.ts';

const PLAIN = { host: 'db', port: 5432, user: 'me', password: undefined, database: 'postgres', env: {} };

test.each([
  ['postgresql://me@db', PLAIN],
  ['postgres://me@db/', PLAIN],
  [
    'postgresql://me:p%40ss%2F@db:6543/my%20db',
    { ...PLAIN, port: 6543, password: 'p@ss/', database: 'my db' },
  ],
  ['postgresql://me@[::1]:6543/x', { ...PLAIN, host: '::1', port: 6543, database: 'x' }],
  [
    'postgresql://me@db?sslmode=verify-full&sslrootcert=/etc/ca.pem',
    { ...PLAIN, env: { PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/etc/ca.pem' } },
  ],
  ['postgresql://me@db?sslmode=disable&', { ...PLAIN, env: { PGSSLMODE: 'disable' } }],
  ['postgresql://me@db?sslrootcert=/tmp/a+b%20c.pem', { ...PLAIN, env: { PGSSLROOTCERT: '/tmp/a+b c.pem' } }],
])('%s is read', (text, expected) => {
  expect(parseDatabaseUrl(text)).toEqual(expected);
});

test.each([
  'db',
  'http://me@db',
  'postgresql://db',
  'postgresql:///x',
  'postgresql://me@db?host=other',
  'postgresql://me@db?sslmode=require&port=1',
  'postgresql://me:%zz@db',
  'postgresql://me@h1,h2:5432/x',
  'postgresql://me@h1:5432,h2/x',
  'postgresql://me@db:0/x',
  'postgresql://me@db?sslmode=bogus',
  'postgresql://me@db?sslmode=require=1',
  'postgresql://me@db?sslrootcert=%zz',
])('%s is none', (text) => {
  expect(parseDatabaseUrl(text)).toBeUndefined();
});
