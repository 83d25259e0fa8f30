import { startS3Server } from '../support/s3-server/server.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { type ServerAddress, serverUnderTest } from '../support/server-under-test.ts';

/** The S3 server that the suite runs against. */
export interface ServerUnderTest extends ServerAddress {
  close(): Promise<void>;
}

/** The server that TEST_S3_ENDPOINT names, where it is set; otherwise one of our own, started for the caller. */
export async function connectServer(env: NodeJS.ProcessEnv = process.env): Promise<ServerUnderTest> {
  const other = serverUnderTest(env);
  return other === undefined ? startOwnServer() : { ...other, close: async () => {} };
}

async function startOwnServer(): Promise<ServerUnderTest> {
  const directory = scratchDirectory('conformance');
  const server = await startS3Server({ directory: directory.path });
  return {
    ...server,
    async close() {
      await server.close();
      directory.remove();
    },
  };
}
