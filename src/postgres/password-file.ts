import pgpass from 'pgpass';

/**
 * The password that the file named by `PGPASSFILE`, else `~/.pgpass`, holds for a connection (manual §34.16); empty
 * when it holds none.
 */
export function readPasswordFile(connection: Parameters<typeof pgpass>[0]): Promise<string> {
  return new Promise((resolve) => pgpass(connection, (password) => resolve(password ?? '')));
}
