import { addAbortSignal, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DatabaseError, DumpError, type ErrorParts } from '../errors.ts';
import { type ClientTools, findClients } from '../postgres/client-binaries.ts';
import { type DumpForm, FORM_BYTES, sniffForm } from './dump-form.ts';
import { gunzip } from './gunzip.ts';
import { ZSTD } from './other-than-plain.ts';
import { startDumpProcess } from './pg-dump.ts';

interface PlainDumpOptions extends ClientTools {
  /** What the dump is called in errors. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/**
 * The plain SQL of a dump in any supported form: gzip is unpacked, the custom format is converted to SQL by
 * pg_restore.
 *
 * @throws DumpError for bytes that cannot be unpacked, DatabaseError if pg_restore is missing or does not support
 * them, or the signal's reason
 */
export async function* readPlainDump(
  bytes: AsyncIterable<Buffer>,
  options: PlainDumpOptions,
): AsyncGenerator<Buffer> {
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    let head: Buffer = Buffer.alloc(0);
    while (head.length < FORM_BYTES) {
      const next = await iterator.next();
      if (next.done === true) break;
      head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
    }
    yield* inPlain(sniffForm(head), prepend(head, iterator), options);
  } finally {
    // Even if a dump is refused before more of it is read.
    await iterator.return?.();
  }
}

async function* prepend(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function* inPlain(
  form: DumpForm,
  bytes: AsyncIterable<Buffer>,
  options: PlainDumpOptions,
): AsyncGenerator<Buffer> {
  switch (form) {
    case 'plain':
      yield* bytes;
      return;
    case 'gzip':
      yield* gunzip(bytes, {
        doing: `cannot read the dump ${options.name}`,
        remedy: 'use a complete dump',
        signal: options.signal,
      });
      return;
    case 'custom':
      yield* customToPlain(bytes, options);
      return;
    case 'zstd':
      throw new DumpError({
        doing: `cannot read the dump ${options.name}`,
        problem: ZSTD.found,
        remedy: ZSTD.remedy,
        cannotUnpack: true,
      });
  }
}

/** Errors of writing to a program's input after the program, or Node at the program's exit, has closed it. */
const INPUT_CLOSED = new Set(['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED']);

/** pg_restore's words for a dump of a newer pg_dump, or one with a compression that it was built without. */
const UNSUPPORTED = /unsupported version|does not support compression|compression is not supported/;

async function* customToPlain(
  bytes: AsyncIterable<Buffer>,
  options: PlainDumpOptions,
): AsyncGenerator<Buffer> {
  const { name, signal, env } = options;
  const found = await findClients('pg_restore', options.binDir, env);
  const newest = found.toSorted((a, b) => b.major - a.major)[0];
  const doing = `cannot read the dump ${name}`;
  if (newest === undefined) {
    throw new DatabaseError({
      doing,
      problem: 'it is in pg_dump’s custom format and there is no pg_restore on this machine',
      remedy: 'install the package postgresql-client, or set PG_BINDIR to its directory',
    });
  }
  const gaveUp = (parts: ErrorParts) =>
    UNSUPPORTED.test(parts.problem)
      ? new DatabaseError({
          ...parts,
          remedy: 'install the version of postgresql-client that wrote the dump, or one that reads it',
        })
      : new DumpError({ ...parts, remedy: 'use a complete dump' });
  const restore = startDumpProcess(newest.path, ['--file=-'], { doing, env, feed: true, gaveUp });
  let sourceFailure: unknown;
  const feeding =
    restore.stdin === null
      ? Promise.resolve()
      : pipeline(Readable.from(bytes, { objectMode: false }), restore.stdin, { signal }).catch(
          (error: unknown) => {
            // pg_restore closes its input when it gives up; its own words say why.
            if (!INPUT_CLOSED.has((error as NodeJS.ErrnoException).code ?? '')) sourceFailure = error;
          },
        );
  try {
    for await (const chunk of addAbortSignal(signal, restore.stdout)) yield chunk as Buffer;
    await feeding;
    if (sourceFailure !== undefined) throw sourceFailure;
    await restore.succeeded();
  } catch (error) {
    // The stream only says that it was aborted.
    signal.throwIfAborted();
    throw error;
  } finally {
    await restore.stop();
    await feeding;
  }
}
