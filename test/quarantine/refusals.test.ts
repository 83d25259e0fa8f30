import { expect, inject, test } from 'vitest';
import { createQuarantineBed } from './quarantine-bed.ts';

test('an orphan stays when the server fails for its copy, refuses that, or refuses to delete it', async () => {
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
    { operation: 'CopyObject', key: /a b/, what: { kind: 'error', status: 400, code: 'InvalidRequest' } },
  );
  const { status, stdout } = await bed.command(['audit-orphans', '--quarantine', '--yes']);
  expect(status).toBe(3);
  expect(stdout).toMatch(/left media\/x\/1: the server refuses to delete it/);
  expect(stdout).toMatch(/left media\/a b\+ü: the server fails for it: 400 InvalidRequest/);
  expect(stdout).toMatch(/left media\/orphan: it changed while it was copied/);
  expect(await bed.places()).toEqual({
    media: ['media/a b+ü', 'media/albums/7/x', 'media/kept', 'media/orphan', 'media/x/1'],
    quarantine: [],
  });

  const denied = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  bed.server.faults.splice(0, Number.POSITIVE_INFINITY, { operation: 'CopyObject', what: denied });
  const refused = await bed.command(['audit-orphans', '--quarantine', '--yes']);
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(/403 AccessDenied/) });
  await bed.close();
});
