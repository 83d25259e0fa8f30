import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { startS3Server } from '../../../support/s3-server/server.ts';

/**
 * The S3 server of test/support as the program of a container. It takes MinIO's variables and port, so that it can
 * stand for MinIO in compose files. Port 9999 makes it misbehave:
 *
 *     POST /hold/CompleteMultipartUpload   requests of this operation wait, and wait in vain
 *     GET  /held                           is answered when one does
 *     POST /release                        later ones do not
 *     POST /ahead/-90000                   its clock is ahead by so many seconds
 */
const { MINIO_ROOT_USER = 'minioadmin', MINIO_ROOT_PASSWORD_FILE: file } = process.env;
const { MINIO_ROOT_PASSWORD = 'minioadmin' } = process.env;

let aheadMs = 0;
const server = await startS3Server({
  directory: '/data',
  host: '0.0.0.0',
  port: 9000,
  accessKey: MINIO_ROOT_USER,
  secretKey: file === undefined ? MINIO_ROOT_PASSWORD : readFileSync(file, 'utf8').trim(),
  now: () => new Date(Date.now() + aheadMs),
});

let held: Promise<void> | undefined;

function hold(operation: string): void {
  held = new Promise((resolve) => {
    const never = new Promise(() => {});
    server.faults.push({ operation, what: { kind: 'hold', until: never, onHeld: resolve } });
  });
}

const control = createServer(async (request, response) => {
  const [, order, what = ''] = (request.url ?? '').split('/');
  if (order === 'hold') hold(what);
  else if (order === 'held') await held;
  else if (order === 'release') server.faults.length = 0;
  else if (order === 'ahead') aheadMs = Number(what) * 1000;
  else response.statusCode = 404;
  response.end();
});
control.listen(9999);

process.on('SIGTERM', () => process.exit(0));
