import { startS3Server } from '../support/s3-server/server.ts';

// A process of its own, so that the server's work is on no bill of the tool's. It ends with its standard input.
const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: s3-process.ts DIRECTORY');
const server = await startS3Server({ directory });
const { endpoint, accessKey, secretKey } = server;
process.stdout.write(`${JSON.stringify({ endpoint, accessKey, secretKey })}\n`);
process.stdin.resume().once('end', () => server.close());
