import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openStore } from '../../src/s3/s3-store.ts';
import type { Store } from '../../src/s3/store.ts';
import { storeSettings } from './test-store.ts';

interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A Store of a server that answers each request as it is told, whatever S3 would answer: 200 and XML without more. */
export async function startScriptedStore(
  answer: (request: IncomingMessage) => ScriptedAnswer,
): Promise<{ readonly store: Store; close(): void }> {
  const server = createServer((request, response) => {
    const { status = 200, headers = { 'content-type': 'application/xml' }, body = '' } = answer(request);
    request.resume();
    response.writeHead(status, headers).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const store = openStore(
    storeSettings({ endpoint, accessKey: 'a', secretKey: 'b', region: 'eu-central-1' }, 'bucket'),
  );
  return {
    store,
    close() {
      store.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
