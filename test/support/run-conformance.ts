import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RealS3Server, StartOptions } from './real-s3-server.ts';
import { startRgw } from './rgw-server.ts';
import { runUntilSignal } from './run-until-signal.ts';
import { runVitest } from './run-vitest.ts';
import { scratchDirectory } from './scratch-directory.ts';
import { startSwift } from './swift-server.ts';

const USAGE = `Usage: node --import tsx test/support/run-conformance.ts swift|rgw [ARGUMENT OF VITEST…]

Starts OpenStack Swift or Ceph RGW from Debian's packages in a temporary directory, runs the S3 conformance suite and
the program's work with media against it (--project s3, audit, media: one of them), and ends and removes it.`;

const SERVERS: Readonly<Record<string, (options: StartOptions) => Promise<RealS3Server>>> = {
  swift: startSwift,
  rgw: startRgw,
};

process.exitCode = await main(process.argv.slice(2));

async function main([kind = '', ...more]: string[]): Promise<number> {
  const start = SERVERS[kind];
  if (start === undefined) {
    console.error(USAGE);
    return 2;
  }
  return await runUntilSignal(`test:${kind}`, 'the server is removed', (signal) =>
    withServer(start, signal, (server, directory) => runSuite(kind, server, directory, more, signal)),
  );
}

/** Runs `work` with the server in a temporary directory, and leaves nothing of it, however it ends. */
async function withServer(
  start: (options: StartOptions) => Promise<RealS3Server>,
  signal: AbortSignal,
  work: (server: RealS3Server, directory: string) => Promise<number>,
): Promise<number> {
  const directory = scratchDirectory('conformance');
  try {
    const began = performance.now();
    // Servers and PostgreSQL run as users of their own, who have to get to theirs.
    chmodSync(directory.path, 0o711);
    const files = join(directory.path, 'server');
    mkdirSync(files);
    const server = await start({ directory: files, signal });
    try {
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      console.log(`${server.name} on ${server.endpoint}, in ${directory.path}, started in ${seconds} s`);
      return await work(server, directory.path);
    } finally {
      await server.stop();
    }
  } finally {
    directory.remove();
  }
}

/** @returns the exit status of the suite */
async function runSuite(
  kind: string,
  server: RealS3Server,
  directory: string,
  more: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const env = {
    TMPDIR: directory,
    TEST_S3_SERVER: kind,
    TEST_S3_SERVER_NAME: server.name,
    TEST_S3_ENDPOINT: server.endpoint,
    TEST_S3_REGION: server.region,
    TEST_S3_ACCESS_KEY: server.accessKey,
    TEST_S3_SECRET_KEY: server.secretKey,
  };
  const status = await runVitest(['--config', 'vitest.conformance.config.ts', ...more], env, signal);
  if (status !== 0) console.error(server.logs());
  return status;
}
