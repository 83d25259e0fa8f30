import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { S3Error } from './errors.ts';
import { type Fault, takeFault } from './faults.ts';
import type { Reply } from './operation.ts';
import { readRequest } from './routes.ts';
import { checkSignature } from './signature.ts';
import { createStorage } from './storage.ts';
import { renderXml } from './xml.ts';

export interface S3ServerOptions {
  /** Where objects' bytes lie; made when missing, left behind when the server is closed. */
  readonly directory: string;
  /** Where it listens; loopback only without it. */
  readonly host?: string;
  /** 0 or nothing: one that is free. */
  readonly port?: number;
  readonly accessKey?: string;
  readonly secretKey?: string;
  /** PEM texts: the server speaks https. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The time that it tells, and judges requests by. */
  readonly clock?: () => Date;
  /** The time by which objects are written and uploads begun, where that is another one. */
  readonly now?: () => Date;
}

export interface S3Request {
  /** The S3 API's name, such as `PutObject`. */
  readonly operation: string;
  readonly key: string;
  readonly status: number;
  /** The header, such as `bytes=0-99`. */
  readonly range: string | undefined;
  /** The header Content-MD5. */
  readonly contentMd5: string | undefined;
}

/** An S3 server, for tests and for the quickstart. */
export interface S3Server {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** What is to go wrong; to be changed at any time. */
  readonly faults: Fault[];
  /** What was asked so far. */
  readonly requests: S3Request[];
  close(): Promise<void>;
}

export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const credentials = {
    accessKey: options.accessKey ?? 'quickstart',
    secretKey: options.secretKey ?? 'quickstart-secret',
  };
  const { clock = () => new Date(), now = clock } = options;
  const storage = createStorage(options.directory, now);
  const faults: Fault[] = [];
  const requests: S3Request[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, query, bucket, key, operation, run } = readRequest(request);
    const fault = takeFault(faults, operation, key);
    const { range, 'content-md5': md5 } = request.headers;
    const contentMd5 = md5 === undefined ? undefined : String(md5);
    response.setHeader('date', clock().toUTCString());
    const record = (status: number) => requests.push({ operation, key, status, range, contentMd5 });
    if (fault?.kind === 'hold') {
      fault.onHeld?.();
      await fault.until;
    }
    if (fault?.kind === 'drop' && fault.when === 'before') {
      record(0);
      request.socket.destroy();
      return;
    }
    let reply: Reply;
    try {
      reply = await perform();
    } catch (error) {
      const known = error instanceof S3Error ? error : new S3Error(500, 'InternalError', String(error));
      record(known.status);
      return send(request, response, errorReply(known, path));
    }
    record(reply.status);
    if (fault?.kind === 'drop') request.socket.destroy();
    else if (fault?.kind === 'alter') await send(request, response, await alter(reply, fault.to));
    else await send(request, response, reply, fault?.kind === 'cut' ? fault.afterBytes : undefined);

    async function perform(): Promise<Reply> {
      checkSignature(request, path, query, credentials, clock());
      if (fault?.kind === 'error') throw new S3Error(fault.status, fault.code);
      if (fault?.kind === 'unconditional') {
        delete request.headers['if-none-match'];
        delete request.headers['if-match'];
      }
      if (run === undefined) throw new S3Error(501, 'NotImplemented');
      return run({
        request,
        query,
        storage,
        bucket,
        key,
        corrupt: fault?.kind === 'corrupt',
        refusal: (name) => {
          for (const entry of ['DeleteObjectsEntry', 'DeleteObjectsUnnamed']) {
            const what = takeFault(faults, entry, name);
            if (what?.kind === 'error') return { code: what.code, named: entry === 'DeleteObjectsEntry' };
          }
          return undefined;
        },
      });
    }
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch(() => response.destroy());
  };
  const server =
    options.tls === undefined ? createServer(listener) : createTlsServer({ ...options.tls }, listener);
  // Clients keep connections open between requests for longer than the default of five seconds.
  server.keepAliveTimeout = 60_000;
  await listen(server, options.port ?? 0, options.host ?? '127.0.0.1');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    ...credentials,
    region: 'eu-central-1',
    faults,
    requests,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  cutAfter?: number,
): Promise<void> {
  // What of the body was not read would be taken for the next request.
  request.resume();
  const headers: Record<string, string> = { ...reply.headers };
  if (reply.xml !== undefined) {
    headers['content-type'] = 'application/xml';
    headers['content-length'] = String(Buffer.byteLength(reply.xml));
  } else if (reply.body === undefined && reply.status !== 204) headers['content-length'] = '0';
  response.writeHead(reply.status, headers);
  if (request.method === 'HEAD' || (reply.body === undefined && reply.xml === undefined)) {
    response.end();
    return;
  }
  if (reply.body === undefined) {
    response.end(reply.xml);
    return;
  }
  if (cutAfter === undefined) {
    await pipeline(reply.body, response);
    return;
  }
  let left = cutAfter;
  for await (const chunk of reply.body) {
    const part = chunk.subarray(0, left);
    left -= part.length;
    await new Promise<void>((resolve) => response.write(part, () => resolve()));
    if (left === 0) break;
  }
  response.destroy();
}

async function alter(reply: Reply, to: (body: Buffer) => Buffer): Promise<Reply> {
  if (reply.xml !== undefined) return { ...reply, xml: to(Buffer.from(reply.xml)).toString() };
  if (reply.body === undefined) return reply;
  const body = to(Buffer.concat(await Readable.from(reply.body).toArray()));
  return {
    ...reply,
    headers: { ...reply.headers, 'content-length': String(body.length) },
    body: Readable.from([body]),
  };
}

function errorReply(error: S3Error, resource: string): Reply {
  return {
    status: error.status,
    xml: renderXml('Error', [
      ['Code', error.code],
      ['Message', error.message],
      ['Resource', resource],
    ]),
  };
}
