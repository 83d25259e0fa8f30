import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { runCommand } from './command.ts';
import { buildImage, docker } from './engine/docker.ts';
import { createStack, environmentFiles, secretFiles } from './stack.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Files that are read together, and the services that they make. */
const FILES: readonly (readonly [files: readonly string[], services: readonly string[]])[] = [
  [['docker/compose.yaml'], ['postgres', 'minio', 'dbbackup']],
  [
    ['test/container/topobank/production-base.yml', 'docker/topobank/production.yml'],
    ['postgres', 's3', 'dbbackup'],
  ],
  [
    ['test/container/topobank/local-base.yml', 'docker/topobank/local.yml'],
    ['postgres', 'minio', 'dbbackup'],
  ],
];

const provided = inject('docker');

describe.skipIf(provided === null)('the compose files', () => {
  const project = scratchDirectory('compose-files');
  let compose2: string;

  beforeAll(async () => {
    const files = {
      ...environmentFiles('.production'),
      ...environmentFiles('.local'),
      ...secretFiles('.production'),
      ...secretFiles('.local'),
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(project.path, path)), { recursive: true });
      writeFileSync(join(project.path, path), text);
    }
    compose2 = `${provided!.engine.run}-compose2`;
    await buildImage(provided!.engine, compose2, `${HERE}/images/compose2`);
  });

  afterAll(() => project.remove());

  /** What a version of compose makes of files; it fails where it does not understand them. */
  function readServices(version: string, files: readonly string[]): Promise<string> {
    const args = ['--project-directory', project.path, ...files.flatMap((file) => ['-f', join(ROOT, file)])];
    const env = { TEST_S3_IMAGE: 's3', TEST_S3_SECRET: 'secret' };
    const services = [...args, 'config', '--services'];
    if (version === 'docker-compose') return runCommand('docker-compose', services, { env });
    const mounted = [ROOT, project.path].flatMap((path) => ['--volume', `${path}:${path}:ro`]);
    const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const image = [compose2, 'docker-compose', ...services];
    return docker(provided!.engine, ['run', '--rm', ...mounted, ...variables, ...image]);
  }

  test.each(
    FILES.flatMap(([files, services]) =>
      ['docker-compose', 'compose v2'].map((version) => [files.at(-1)!, version, files, services] as const),
    ),
  )('%s is read by %s', async (_, version, files, services) => {
    const read = await readServices(version, files);
    expect(read.trim().split('\n').sort()).toEqual([...services].sort());
  });

  test('docker/compose.yaml comes up with one command, and backups are made', async () => {
    const stack = await createStack('compose', { from: ['docker/compose.yaml'], file: 'compose.yaml' });
    try {
      await stack.run('docker-compose -f compose.yaml up -d');
      await stack.untilLogged('dbbackup', /backup \d{14} is complete/);
      for (const service of ['postgres', 'minio']) await stack.untilHealth(service, 'healthy');
      const backups = await stack.run('docker-compose -f compose.yaml exec -T dbbackup backups');
      expect(backups).toMatch(/\d{14} .* complete +topobank/);

      // More than AUDIT_SORT_MEMORY holds is sorted in files.
      await stack.sql(`CREATE TABLE files AS SELECT 'f/' || n AS key FROM generate_series(1, 30000) AS n`);
      await stack.execute('dbbackup', 'topobank-backup', 'backup', '--quiet');
      const references = '[{"column": "files.key"}]';
      const audit = `AUDIT_SORT_MEMORY=1 topobank-backup audit-orphans --backup latest --references '${references}'; test $? = 3`;
      expect(await stack.execute('dbbackup', 'sh', '-c', audit)).toMatch(/30,000 references, 0 objects/);
    } finally {
      await stack.remove();
    }
  });
});
