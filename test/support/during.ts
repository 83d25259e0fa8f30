import { deferred } from './deferred.ts';
import type { Fault } from './s3-server/faults.ts';
import type { TestBed } from './test-bed.ts';

/** The next request of this kind waits until `work` is done, as what happens elsewhere meanwhile. */
export function during(
  { server }: Pick<TestBed, 'server'>,
  request: Pick<Fault, 'operation' | 'key' | 'after'>,
  work: () => Promise<unknown>,
): void {
  const done = deferred<void>();
  server.faults.push({
    ...request,
    times: 1,
    what: { kind: 'hold', until: done.promise, onHeld: () => void work().finally(done.resolve) },
  });
}
