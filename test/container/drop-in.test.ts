import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Backup } from '../../src/catalog/backup.ts';
import { listBackups } from '../../src/catalog/catalog.ts';
import type { Store } from '../../src/s3/store.ts';
import { createStack, environmentFiles, type Stack, secretFiles } from './stack.ts';

/** As go-s3-backup was told, in TopoBank's entrypoint and by operators. */
const VARIABLES = { DBBACKUP_SCHEDULE: '*/2 * * * * *', MAX_BACKUPS: '3', DATABASE_COMPRESS: '1' };

const inTime = () => AbortSignal.timeout(60_000);

describe.skipIf(inject('docker') === null)(
  'in TopoBank’s production.yml, with another image and nothing else',
  () => {
    let stack: Stack;
    let store: Store & { close(): void };

    beforeAll(async () => {
      stack = await createStack('production', {
        from: ['test/container/topobank/production-base.yml', 'test/container/topobank/production-old.yml'],
        file: 'production.yml',
        files: environmentFiles('.production', VARIABLES),
      });
      await stack.start('postgres', 's3');
      await stack.sql("CREATE TABLE surface AS SELECT 'polished' AS name");
      store = await stack.store();
      await store.ensureBucket(inTime());
    });

    afterAll(async () => {
      store?.close();
      await stack?.remove();
    });

    function list(): Promise<Backup[]> {
      return listBackups({ store, prefix: 'backup/' }, inTime());
    }

    test('the latest is restored out of a bucket that holds go-s3-backup’s dumps alone', async () => {
      await putForeign('20010101000000', 'sql.gz');
      const name = await putForeign('20010102000000', 'sql');
      await stack.sql("UPDATE surface SET name = 'damaged'");
      await stack.run('docker-compose -f production.yml run --rm -e RESTORE_DATABASE=1 dbbackup');
      expect(await stack.sql('SELECT name FROM surface')).toBe('sql');
      expect((await list()).map(({ dump }) => dump?.key)).toEqual([
        `backup/${name}`,
        'backup/postgres-backup-20010101000000.sql.gz',
      ]);
      await stack.sql("UPDATE surface SET name = 'polished'");
    });

    test('one backup is made before a migration', async () => {
      const before = (await list()).length;
      const { status, stdout, stderr } = await stack.try(
        'docker-compose -f production.yml run --rm -e DBBACKUP_SCHEDULE=none dbbackup',
      );
      expect(stdout).toMatch(/^backup \d{14}: /);
      expect(stderr).toContain('DATABASE_COMPRESS has no effect here');
      expect(status).toBe(0);
      const after = await list();
      expect(after).toHaveLength(before + 1);
      expect(after[0]).toMatchObject({ state: 'complete' });
    });

    test('backups are made by the schedule, the newest three stay, and a terminal lists them', async () => {
      await stack.run('docker-compose -f production.yml up -d');
      try {
        for (let made = 0; made < 5; made += 1) {
          await stack.untilLogged('dbbackup', /backup \d{14} is complete/);
        }
        const typed = 'docker-compose -f production.yml exec dbbackup backups';
        const backups = await stack.run(`script --quiet --return --command "${typed}" /dev/null`);
        expect(backups).toMatch(/\d{14} .* complete +topobank/);
      } finally {
        await stack.run('docker-compose -f production.yml stop dbbackup');
      }
      // It may have been stopped between a backup and the pruning after it.
      const ids = (await list()).map(({ id }) => id);
      expect([3, 4]).toContain(ids.length);
      await stack.run('docker-compose -f production.yml run --rm dbbackup prune --yes');
      expect((await list()).map(({ id }) => id)).toEqual(ids.slice(0, 3));
    });

    test('the latest is restored', async () => {
      await stack.run('docker-compose -f production.yml run --rm -e DBBACKUP_SCHEDULE=none dbbackup');
      await stack.sql("UPDATE surface SET name = 'damaged'");
      await stack.run('docker-compose -f production.yml run --rm -e RESTORE_DATABASE=1 dbbackup');
      expect(await stack.sql('SELECT name FROM surface')).toBe('polished');
    });

    /** Puts a dump into the bucket as go-s3-backup does; the table of the dump holds its extension. */
    async function putForeign(id: string, extension: 'sql' | 'sql.gz' | 'dump'): Promise<string> {
      await stack.sql(`UPDATE surface SET name = '${extension}'`);
      const pgDump = `pg_dump --username=topobank ${extension === 'dump' ? '--format=custom' : ''} topobank`;
      const text = await stack.execute('postgres', 'sh', '-c', `${pgDump} | base64`);
      const dump = Buffer.from(text, 'base64');
      const name = `postgres-backup-${id}.${extension}`;
      await put(name, extension === 'sql.gz' ? gzipSync(dump) : dump);
      return name;
    }

    async function put(name: string, bytes: Buffer): Promise<void> {
      const contentType = 'application/octet-stream';
      await store.put(`backup/${name}`, bytes, { ifAbsent: true, contentType, signal: inTime() });
    }

    test('dumps of go-s3-backup are listed, restored by name and pruned, and nothing else is', async () => {
      await put('readme.txt', Buffer.from('not a dump'));
      for (const [index, extension] of (['sql', 'sql.gz', 'dump'] as const).entries()) {
        const id = `2001010100000${index}`;
        const name = await putForeign(id, extension);
        expect((await list()).find((backup) => backup.id === id)).toMatchObject({ state: 'foreign' });
        await stack.sql("UPDATE surface SET name = 'damaged'");
        await stack.run(`docker-compose -f production.yml run --rm dbbackup restore ${name} --yes`);
        expect(await stack.sql('SELECT name FROM surface')).toBe(extension);
      }
      await stack.run('docker-compose -f production.yml run --rm -e MAX_BACKUPS=1 dbbackup prune --yes');
      expect(await list()).toHaveLength(1);
      expect(await store.head('backup/readme.txt', inTime())).toBeDefined();
    });
  },
);

describe.skipIf(inject('docker') === null)('in TopoBank’s local.yml, with MinIO', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await createStack('local', {
      from: ['test/container/topobank/local-base.yml', 'docker/topobank/local.yml'],
      file: 'local.yml',
      // Only the file holds the right one.
      files: { ...environmentFiles('.local', { AWS_SECRET_ACCESS_KEY: 'wrong' }), ...secretFiles('.local') },
    });
    await stack.start('postgres', 'minio');
    await stack.sql("CREATE TABLE surface AS SELECT 'polished' AS name");
  });

  afterAll(() => stack?.remove());

  test('the database is dropped and the latest restored', async () => {
    await stack.run('docker-compose -f local.yml run --rm -e DBBACKUP_SCHEDULE=none dbbackup');
    await stack.sql('DROP TABLE surface');
    const { status, stdout } = await stack.try(
      'docker-compose -f local.yml run --rm -e RESTORE_DATABASE=1 dbbackup',
    );
    expect(stdout).toMatch(/^restored backup\/postgres-backup-\d{14}\.sql into database topobank/m);
    expect(status).toBe(0);
    expect(await stack.sql('SELECT name FROM surface')).toBe('polished');
  });

  test('backup, backups and restore do what cookiecutter’s operators type them for, also in a script', async () => {
    await stack.run('docker-compose -f local.yml up -d dbbackup');
    await stack.untilLogged('dbbackup', /no backup was missed/);
    const made = await stack.run('docker-compose -f local.yml exec -T dbbackup backup');
    const [, id] = /^backup (\d{14}): /.exec(made) ?? [];
    const listed = await stack.run('docker-compose -f local.yml exec -T dbbackup backups');
    expect(listed).toMatch(new RegExp(`^${id} .* complete`, 'm'));
    await stack.sql("UPDATE surface SET name = 'damaged'");
    await stack.run(`docker-compose -f local.yml exec -T dbbackup restore postgres-backup-${id}.sql`);
    expect(await stack.sql('SELECT name FROM surface')).toBe('polished');
  });

  test('stopped between two backups it ends by itself, and well', async () => {
    await stack.run('docker-compose -f local.yml up -d --no-deps --force-recreate dbbackup');
    await stack.untilLogged('dbbackup', /no backup was missed/);
    await stack.run('docker-compose -f local.yml stop dbbackup');
    expect(await stack.inspect('dbbackup', '{{.State.ExitCode}}')).toBe('0');
  });
});
