import { expect, inject, test } from 'vitest';
import { deferred } from './support/deferred.ts';
import { startService } from './support/running-service.ts';
import { createTestBed } from './support/test-bed.ts';

test('what cannot be left half done is said to be waited for, and a second signal ends it', async () => {
  const bed = await createTestBed(inject('postgres'));
  const held = deferred<void>();
  const answer = deferred<void>();
  bed.server.faults.push({
    operation: 'CompleteMultipartUpload',
    what: { kind: 'hold', until: answer.promise, onHeld: held.resolve },
  });
  const backup = startService(bed, {}, ['backup']);
  await held.promise;
  backup.stop();
  await backup.line(
    /^topobank-backup: received SIGTERM, cleaning up; a second signal ends the program at once/,
  );
  const { status, stderr } = await backup.stop();
  expect(status).toBe(143);
  expect(stderr).not.toContain('stopped: received');
  answer.resolve();
  await bed.close();
});
