import { describe, expect, inject, test } from 'vitest';
import { docker } from './engine/docker.ts';

const provided = inject('docker');

describe.skipIf(provided === null)('the image', () => {
  test('is small', async () => {
    const { engine, images } = provided!;
    const bytes = Number(
      await docker(engine, ['image', 'inspect', '--format', '{{.Size}}', images.dbbackup]),
    );
    process.stderr.write(`the image with one PostgreSQL client: ${Math.round(bytes / 1e6)} MB\n`);
    expect(bytes).toBeLessThan(350e6);
  });
});
