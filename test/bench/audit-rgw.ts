import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { openStore } from '../../src/s3/s3-store.ts';
import type { Store } from '../../src/s3/store.ts';
import { startRgw } from '../support/rgw-server.ts';
import { storeSettings } from '../support/test-store.ts';
import { storeEnv } from '../support/topobank-backup.ts';
import { openAuditRuns, rowsOf } from './audit-runs.ts';
import { inTurns, median, type Subject, seconds } from './bench.ts';
import { mediaKey } from './media-keys.ts';

const WRITERS = 24;
const SAY_EVERY = 100_000;

/** The audit against a server that has to find what it lists: on two cores it takes 500 objects a second to be filled. */
export const AUDIT_RGW: Subject = {
  name: 'audit-rgw',
  about:
    'wall time of an audit over listing the same bucket of Ceph RGW alone; only where it is named, for it takes the better part of an hour',
  isOnDemand: true,
  async run(bench) {
    const { rounds, say, signal, directory } = bench;
    const count = rowsOf(bench);
    const runs = await openAuditRuns(bench);
    const files = join(directory, 'rgw');
    mkdirSync(files);
    chmodSync(files, 0o711);
    const server = await startRgw({ directory: files, signal });
    try {
      say(`audit-rgw: making ${count} rows and objects`);
      await runs.fill(count);
      const settings = storeSettings(server, 'objects');
      const store = openStore(settings);
      await fillBucket(store, count, bench);
      store.close();
      const bucket = {
        ...storeEnv(server),
        S3_REGION: server.region,
        AWS_STORAGE_BUCKET_NAME: settings.bucket,
      };
      const { first, second } = await inTurns(
        rounds,
        () => runs.list(bucket, count),
        (round) => {
          say(`audit-rgw: round ${round + 1} of ${rounds}`);
          return runs.audit(bucket, count);
        },
      );
      const baseline = median(first.map(({ ms }) => ms));
      const measured = median(second.map(({ ms }) => ms));
      return [
        {
          subject: `audit of ${count} rows and objects of ${server.name}`,
          measured: seconds(measured),
          baseline: `listing ${seconds(baseline)}`,
          ratio: measured / baseline,
          goal: '≤ 1.2',
          cpuMs: median(second.map(({ cpuMs }) => cpuMs)),
        },
      ];
    } finally {
      await server.stop();
    }
  },
};

async function fillBucket(
  store: Store,
  count: number,
  { signal, say }: Parameters<Subject['run']>[0],
): Promise<void> {
  await store.ensureBucket(signal);
  const options = { ifAbsent: false, contentType: 'application/octet-stream', signal };
  const limit = pLimit(WRITERS);
  for (let n = 1; n <= count; n += SAY_EVERY) {
    const some = Array.from({ length: Math.min(SAY_EVERY, count - n + 1) }, (_, at) => mediaKey(n + at));
    await limit.map(some, (key) => store.put(key, Buffer.from('x'), options));
    say(`audit-rgw: ${n + some.length - 1} of ${count} objects are there`);
  }
}
