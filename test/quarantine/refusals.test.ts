import { expect, inject, test } from 'vitest';
import { createQuarantineBed } from './quarantine-bed.ts';

test('an orphan stays when its copy is refused, or when the server refuses to delete it', async () => {
  const bed = await createQuarantineBed(inject('postgres'));
  bed.server.faults.push(
    {
      operation: 'DeleteObjectsEntry',
      key: /^media\/x/,
      what: { kind: 'error', status: 403, code: 'AccessDenied' },
    },
    {
      operation: 'CopyObject',
      key: /orphan$/,
      times: 1,
      what: { kind: 'error', status: 412, code: 'PreconditionFailed' },
    },
  );
  const { status, stdout } = await bed.command(['audit-orphans', '--quarantine', '--yes']);
  expect(status).toBe(3);
  expect(stdout).toMatch(/left media\/x\/1: the server refuses to delete it/);
  expect(stdout).toMatch(/left media\/orphan: it changed while it was copied/);
  expect(await bed.places()).toEqual({
    media: ['media/albums/7/x', 'media/kept', 'media/orphan', 'media/x/1'],
    quarantine: ['media/a b+ü'],
  });
  await bed.close();
});
