import type { Socket } from 'node:net';
import pg from 'pg';
import { type CopyStreamQuery, from } from 'pg-copy-streams';
import { DumpError } from '../../errors.ts';

/** The part of pg's connection that is needed to send raw bytes. */
interface Wire {
  readonly stream: Socket;
}

/** A Query message of the protocol (manual §55.7) with `sql` exactly as in the dump, in the dump's encoding. */
function queryMessage(sql: Buffer): Buffer {
  if (sql.includes(0)) {
    throw new DumpError({
      doing: 'cannot send a statement of the dump',
      problem: 'it contains a null byte',
      remedy: 'take another dump',
    });
  }
  const message = Buffer.alloc(sql.length + 6);
  message.write('Q', 0, 'latin1');
  message.writeUInt32BE(sql.length + 5, 1);
  sql.copy(message, 5);
  return message;
}

/** Runs one statement and discards its rows. */
export async function runRaw(client: pg.Client, sql: Buffer): Promise<void> {
  const message = queryMessage(sql);
  await new Promise<void>((resolve, reject) => {
    const query = new pg.Query<{ row: never }>('');
    const submittable = query as unknown as { submit(wire: Wire): Error | null };
    submittable.submit = ({ stream }) => {
      stream.write(message);
      return null;
    };
    query.on('end', () => resolve());
    query.on('error', reject);
    client.query(query);
  });
}

/** The rows of one COPY on their way to the server. */
interface CopyIn {
  /** Resolves when more may be written. Rejects as soon as the server has refused the rows. */
  write(rows: Buffer): Promise<void>;
  /** Closes the COPY. @returns the number of rows the server has taken */
  end(): Promise<number>;
  /** Rejects as soon as the server has refused the rows, even while none are being written; never resolves. */
  readonly refused: Promise<never>;
}

/** Begins the statement `COPY … FROM stdin;` exactly as in the dump. */
export function startCopy(client: pg.Client, sql: Buffer): CopyIn {
  const message = queryMessage(sql);
  const stream: CopyStreamQuery = from('');
  const submittable = stream as unknown as { submit(wire: Wire): void; connection: Wire };
  submittable.submit = (wire) => {
    submittable.connection = wire;
    wire.stream.write(message);
  };
  let refusal: { readonly error: unknown } | undefined;
  /** Called at the next event. At most one call waits at a time, so nothing accumulates over a long COPY. */
  let wake: (() => void) | undefined;
  const happened = () => new Promise<void>((resolve) => (wake = resolve));
  stream.on('drain', () => wake?.());
  stream.on('finish', () => wake?.());
  // The stream never calls back a write that the server refuses, so its errors are listened for separately.
  const refused = new Promise<never>((_, reject) => {
    stream.on('error', (error) => {
      refusal ??= { error };
      reject(error);
      wake?.();
    });
  });
  // A writer learns of the refusal at its next write.
  refused.catch(() => {});
  client.query(stream);

  return {
    refused,
    async write(rows) {
      if (refusal === undefined && !stream.write(rows)) await happened();
      if (refusal !== undefined) throw refusal.error;
    },
    async end() {
      stream.end();
      while (refusal === undefined && !stream.writableFinished) await happened();
      if (refusal !== undefined) throw refusal.error;
      return stream.rowCount;
    },
  };
}
