import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText } from '../support/dump-text.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { createTestBed } from '../support/test-bed.ts';

// Since this version the provider of a new cluster's databases can be chosen.
test.runIf(inject('postgresMajor') >= 15)(
  'a database of the system’s locale keeps it on a server whose own databases have another provider',
  async () => {
    const directory = scratchDirectory('provider');
    const initdb = ['--locale-provider=icu', '--icu-locale=de'];
    const server = await startPostgres({ directory: directory.path, initdb });
    const bed = await createTestBed(server.env, `TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc`);
    try {
      await bed.database.query(`CREATE TABLE t (a text CHECK (a < 'b')); INSERT INTO t VALUES ('Z'), ('a')`);
      expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
      const dryRun = await bed.run(['restore', '--latest', '--dry-run', '--no-audit']);
      expect(dryRun.stdout + dryRun.stderr).not.toContain('instead of');
      expect(await bed.run(['verify', '--restore'])).toMatchObject({ status: 0 });
      expect(await bed.run(['restore', '--latest', '--yes', '--no-audit'])).toMatchObject({ status: 0 });
      expect(await bed.database.query('SELECT a FROM t ORDER BY a')).toEqual([{ a: 'Z' }, { a: 'a' }]);
      const provider = 'SELECT datlocprovider AS is FROM pg_database WHERE datname = current_database()';
      expect(await bed.database.query(provider)).toEqual([{ is: 'c' }]);

      const file = join(bed.directory, 'latin1.sql');
      await writeFile(file, dumpText('CREATE TABLE public.t (a text);').replace("'UTF8'", "'LATIN1'"));
      const into = `${bed.database.name}_latin1`;
      expect(await bed.run(['restore', file, '--into', into])).toMatchObject({ status: 0 });
      await withClient(bed.env, into, async (client) => {
        expect((await client.query('SHOW server_encoding')).rows).toEqual([{ server_encoding: 'LATIN1' }]);
      });
    } finally {
      await bed.close();
      await server.stop();
      directory.remove();
    }
  },
);
