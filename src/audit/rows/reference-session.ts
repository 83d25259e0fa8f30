import type pg from 'pg';
import { raiseMemory } from '../../postgres/raise-memory.ts';

/**
 * Makes a connection see every row, its bytes unchanged, and its numbers and intervals spelled as in a dump (pg_dump
 * sets the same). If row-level security hid rows, their objects would look like orphans, so the server must refuse
 * instead (manual, "row_security"). A database without an encoding (SQL_ASCII) may hold bytes that are not UTF-8, and
 * would refuse to send them as such.
 */
export async function seeAllRows(client: pg.Client, serverEncoding: string): Promise<void> {
  await client.query('SET row_security = off; SET extra_float_digits = 3; SET IntervalStyle = postgres');
  if (serverEncoding === 'SQL_ASCII') await client.query(`SET client_encoding = 'SQL_ASCII'`);
}

/**
 * Server memory that a sort may use before it spills to disk, at least, in KiB: enough for about half a million rows.
 */
const SORT_KIB = 64 * 1024;

/** Raises the `work_mem` of a connection if it is lower: the default of 4 MB is soon used up. */
export async function sortInMemory(client: pg.Client): Promise<void> {
  await raiseMemory(client, 'work_mem', SORT_KIB);
}
