import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { newestBackup } from '../../src/catalog/catalog.ts';
import type { Manifest } from '../../src/catalog/manifest.ts';
import { readConfig } from '../../src/config/config.ts';
import { openStore } from '../../src/s3/s3-store.ts';
import { type Bench, megabytes, type Subject } from './bench.ts';
import { backUp, dropAndSettle } from './databases.ts';
import { runTool } from './run-process.ts';

const RESTORED = 'bench_table';
const PREFIX = 'table/';

/** What the server sends while one table, the one nearest to a tenth of the dump, is restored, against that table. */
export const TABLE: Subject = {
  name: 'table',
  about: 'bytes that the server sends while one table of about a tenth of the dump is restored',
  async run(bench) {
    const { env, large, signal, say } = bench;
    say('table: backing up');
    await backUp(bench, large.name, PREFIX);
    const dump = await readManifest(bench);
    const distance = ({ bytes }: { bytes: number }) => Math.abs(bytes - dump.bytes / 10);
    const [table] = dump.tables.toSorted((a, b) => distance(a) - distance(b));
    if (table === undefined) throw new Error('the dump has no tables');
    const name = `${table.schema}.${table.name}`;
    say(`table: restoring ${name}`);
    const sent = await countSent(env.AWS_S3_ENDPOINT_URL ?? '', async (endpoint) => {
      const args = [
        'restore',
        '--latest',
        '--table',
        name,
        '--into',
        RESTORED,
        '--quiet',
        '--prefix',
        PREFIX,
      ];
      try {
        await runTool([...args, '--database', large.name], { ...env, AWS_S3_ENDPOINT_URL: endpoint }, signal);
      } finally {
        await dropAndSettle(env, RESTORED);
      }
    });
    return [
      {
        subject: `restore --table of ${megabytes(dump.bytes)}: read beside its rows`,
        measured: `${((sent - table.bytes) / 1e6).toFixed(1)} MB`,
        baseline: `rows of ${table.name} ${megabytes(table.bytes)}`,
        ratio: undefined,
        goal: '≤ 2 MB',
      },
    ];
  },
};

async function readManifest({ env, signal }: Bench): Promise<Manifest> {
  const store = openStore(readConfig({ env, flags: {} }, ['store']));
  try {
    const backup = await newestBackup(
      { store, prefix: PREFIX },
      { database: undefined, now: new Date() },
      signal,
    );
    if (backup?.manifest === undefined) throw new Error('the backup has no manifest');
    return backup.manifest;
  } finally {
    store.close();
  }
}

/** The bytes that a server sends to those who reach it by another port while `work` runs, headers included. */
async function countSent(endpoint: string, work: (endpoint: string) => Promise<void>): Promise<number> {
  const { hostname, port } = new URL(endpoint);
  let sent = 0;
  const relay = createServer((client) => {
    const server = connect(Number(port), hostname);
    server.on('data', ({ length }) => {
      sent += length;
    });
    // A side that goes takes the other with it, and a request that failed for it is the tool's to judge.
    for (const way of [pipeline(client, server), pipeline(server, client)]) way.catch(() => {});
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  try {
    await work(`http://127.0.0.1:${(relay.address() as AddressInfo).port}`);
    return sent;
  } finally {
    relay.close();
  }
}
