import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { request as requestTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { type Fault, takeFault } from './s3-server/faults.ts';
import { readRequest } from './s3-server/routes.ts';
import type { S3Request, S3Server } from './s3-server/server.ts';
import type { ServerAddress } from './server-under-test.ts';

/**
 * A way to an S3 server of another maker on which requests can be held, refused or dropped as on our own. Requests go
 * on as they came, signature and Host header too, so the server has to take any name for its own.
 *
 * @param spellHeader changes the headers of answers, whose names it is given in lower case
 */
export async function startS3Relay(
  { endpoint, ...account }: ServerAddress,
  spellHeader: (name: string, value: string) => string = (_, value) => value,
): Promise<S3Server> {
  const upstream = new URL(endpoint);
  const send = upstream.protocol === 'https:' ? requestTls : request;
  const faults: Fault[] = [];
  const requests: S3Request[] = [];

  async function answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const { operation, key } = readRequest(asked);
    const fault = takeFault(faults, operation, key);
    const { range, 'content-md5': md5 } = asked.headers;
    const record = (status: number) =>
      requests.push({
        operation,
        key,
        status,
        range,
        contentMd5: md5 === undefined ? undefined : String(md5),
      });
    if (fault?.kind === 'cut' || fault?.kind === 'corrupt') throw new Error(`no relay can do: ${fault.kind}`);
    if (fault?.kind === 'hold') {
      fault.onHeld?.();
      await fault.until;
    }
    if (fault?.kind === 'error') {
      record(fault.status);
      asked.resume();
      response.writeHead(fault.status, { 'Content-Type': 'application/xml' });
      response.end(`<Error><Code>${fault.code}</Code></Error>`);
      return;
    }
    if (fault?.kind === 'drop' && fault.when === 'before') {
      record(0);
      asked.socket.destroy();
      return;
    }
    const { hostname, port } = upstream;
    const { method, url: path, headers } = asked;
    const forwarded = send({ hostname, port, method, path, headers, setHost: false });
    const answering = once(forwarded, 'response') as Promise<[IncomingMessage]>;
    const [[answered]] = await Promise.all([answering, pipeline(asked, forwarded)]);
    record(answered.statusCode ?? 0);
    if (fault?.kind === 'drop') {
      answered.resume();
      asked.socket.destroy();
      return;
    }
    const { rawHeaders } = answered;
    const spelled = rawHeaders.map((text, at) =>
      at % 2 === 0 ? text : spellHeader((rawHeaders[at - 1] as string).toLowerCase(), text),
    );
    response.writeHead(answered.statusCode ?? 502, spelled);
    await pipeline(answered, response);
  }

  const server = createServer((asked, response) => {
    answer(asked, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...account,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    requests,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
