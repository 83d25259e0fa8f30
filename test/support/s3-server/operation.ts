import type { IncomingMessage } from 'node:http';
import type { Storage } from './storage.ts';

/** One request, as an operation sees it. */
export interface OperationContext {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly storage: Storage;
  readonly bucket: string;
  readonly key: string;
  /** A bit of the body is to be flipped. */
  readonly corrupt: boolean;
  /** The S3 error code with which one key of a DeleteObjects is to be refused, and whether that is to name the key. */
  readonly refusal: (key: string) => { readonly code: string; readonly named: boolean } | undefined;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly xml?: string;
  readonly body?: AsyncIterable<Buffer>;
}

export type Operation = (context: OperationContext) => Promise<Reply>;
