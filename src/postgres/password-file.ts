import pgpass from 'pgpass';

/**
 * The password for a connection from the file named by `PGPASSFILE`, else from `~/.pgpass` (manual §34.16); empty if
 * there is none.
 */
export function readPasswordFile(connection: Parameters<typeof pgpass>[0]): Promise<string> {
  return new Promise((resolve) => pgpass(connection, (password) => resolve(password ?? '')));
}
