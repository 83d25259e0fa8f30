import pg from 'pg';
import { expect, test } from 'vitest';
import { RestoreError } from '../../src/errors.ts';
import { isOfServer, isRefusal } from '../../src/restore/load/whose-fault.ts';

/** An error as the server reports it. */
function said(code: string): Error {
  const error = new pg.DatabaseError('no', 2, 'error');
  return Object.assign(error, { code });
}

const socket = (code: string) => Object.assign(new Error(`write ${code}`), { code });

test.each([
  ['a broken pipe', socket('EPIPE'), { ofServer: true, refusal: false }],
  ['a socket that is gone', socket('EBADF'), { ofServer: true, refusal: false }],
  ['a connection that was reset', socket('ECONNRESET'), { ofServer: true, refusal: false }],
  ['a message without a code', new Error('Connection terminated'), { ofServer: true, refusal: false }],
  ['a crash', said('57P02'), { ofServer: true, refusal: false }],
  ['a full disk', said('53100'), { ofServer: true, refusal: false }],
  ['a lacking privilege', said('42501'), { ofServer: true, refusal: true }],
  ['a row of another type', said('22P02'), { ofServer: false, refusal: true }],
  ['an internal error', said('XX000'), { ofServer: true, refusal: true }],
  ['a cancelled statement', said('57014'), { ofServer: true, refusal: true }],
  ['a deadlock', said('40P01'), { ofServer: true, refusal: true }],
  ['an unknown table', said('42P01'), { ofServer: false, refusal: true }],
])('%s', (_, cause, { ofServer, refusal }) => {
  const error = new RestoreError({ doing: 'cannot restore', problem: cause.message, cause });
  expect({ ofServer: isOfServer(error), refusal: isRefusal(error) }).toEqual({ ofServer, refusal });
});
