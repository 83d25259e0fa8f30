import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { listBackups } from '../../src/catalog/catalog.ts';
import type { Store } from '../../src/s3/store.ts';
import { createStack, environmentFiles, type Stack, secretFiles } from './stack.ts';

const DAY_S = 24 * 60 * 60;

const inTime = () => AbortSignal.timeout(60_000);

describe.skipIf(inject('docker') === null)('the service of docker/topobank/production.yml', () => {
  let stack: Stack;
  let store: Store & { close(): void };

  beforeAll(async () => {
    stack = await createStack('service', {
      from: [
        'test/container/topobank/production-base.yml',
        'docker/topobank/production.yml',
        'test/container/topobank/attentive.yml',
      ],
      file: 'production.yml',
      files: {
        ...environmentFiles('.production', {
          // Only the file holds the right one.
          AWS_SECRET_ACCESS_KEY: 'wrong',
          DBBACKUP_SCHEDULE: '@every 3s',
          HEALTH_GRACE: '5s',
        }),
        ...secretFiles('.production'),
      },
    });
    await stack.start('postgres', 's3');
    await stack.sql('CREATE TABLE surface AS SELECT g AS id FROM generate_series(1, 1000) g');
    store = await stack.store();
  });

  afterEach(() => stack.run('docker-compose -f production.yml rm --stop --force dbbackup'));

  afterAll(async () => {
    store?.close();
    await stack?.remove();
  });

  async function states(): Promise<string[]> {
    return (await listBackups({ store, prefix: 'backup/' }, inTime())).map(({ state }) => state);
  }

  async function pendingUploads(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of store.listUploads('backup/', inTime())) keys.push(key);
    return keys;
  }

  async function up(): Promise<void> {
    await stack.run('docker-compose -f production.yml up -d dbbackup');
  }

  test('takes secrets from files, as nobody, without a right, on a file system that cannot be written', async () => {
    await up();
    await stack.untilLogged('dbbackup', /backup \d{14} is complete/);
    expect(await stack.inspect('dbbackup', '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}}')).toBe(
      '10001:10001 true',
    );
    expect(await stack.execute('dbbackup', 'grep', '-E', '^(Uid|CapEff|NoNewPrivs):', '/proc/1/status')).toBe(
      'Uid:\t10001\t10001\t10001\t10001\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n',
    );
    expect(await stack.execute('dbbackup', 'cat', '/proc/1/comm')).toBe('tini\n');
  });

  test('killed in the middle of a backup it leaves nothing that is listed, and a later run sweeps the upload away', async () => {
    const before = await states();
    await stack.misbehave(`ahead/-${DAY_S + 60}`);
    await stack.misbehave('hold/CompleteMultipartUpload');
    await up();
    await stack.misbehave('held');
    await stack.run('docker-compose -f production.yml kill dbbackup');
    expect(await states()).toEqual(before);
    const left = await pendingUploads();
    expect(left).toEqual([expect.stringMatching(/^backup\/postgres-backup-\d{14}\.sql$/)]);

    await stack.misbehave('release');
    await stack.misbehave('ahead/0');
    await stack.run('docker-compose -f production.yml restart dbbackup');
    const swept = await stack.untilLogged('dbbackup', /aborted an upload/);
    expect(swept).toContain(left[0]);
    await stack.untilLogged('dbbackup', /backup \d{14} is complete/);
    expect(await pendingUploads()).not.toContain(left[0]);
  });

  test('stopped in the middle of a backup it ends in time and leaves nothing', async () => {
    const before = await states();
    await stack.misbehave('hold/UploadPart');
    await up();
    await stack.misbehave('held');
    await stack.run('docker-compose -f production.yml stop dbbackup');
    await stack.misbehave('release');
    // 137 is what the engine leaves of a process that it had to kill.
    expect(await stack.inspect('dbbackup', '{{.State.ExitCode}}')).toBe('143');
    expect(await states()).toEqual(before);
    expect(await pendingUploads()).toEqual([]);
  });

  test('is unhealthy when no backups can be made, and says why', async () => {
    await up();
    await stack.untilHealth('dbbackup', 'healthy');
    await stack.run('docker-compose -f production.yml stop postgres');
    try {
      await stack.untilHealth('dbbackup', 'unhealthy');
      const said = await stack.inspect('dbbackup', '{{range .State.Health.Log}}{{println .Output}}{{end}}');
      expect(said).toMatch(/^unhealthy: /m);
      expect(await stack.inspect('dbbackup', '{{.State.Status}}')).toBe('running');
    } finally {
      await stack.start('postgres');
    }
    await stack.untilHealth('dbbackup', 'healthy');
  });

  test('waits for a database that is down at its start', async () => {
    await stack.run('docker-compose -f production.yml stop postgres');
    try {
      await stack.run('docker-compose -f production.yml up -d --no-deps dbbackup');
      await stack.untilLogged('dbbackup', /WARN.*waiting for the database/);
    } finally {
      await stack.start('postgres');
    }
    await stack.untilLogged('dbbackup', /backup \d{14} is complete/);
  });

  test('a secret that cannot be read ends it, with the names of the variable and of the file', async () => {
    const { status, stderr } = await stack.try(
      'docker-compose -f production.yml run --rm --no-deps -e POSTGRES_PASSWORD_FILE=/etc/shadow dbbackup',
    );
    expect(stderr).toContain('POSTGRES_PASSWORD_FILE: cannot read "/etc/shadow" (EACCES)');
    expect(status).toBe(2);
  });
});
