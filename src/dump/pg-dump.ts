import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { addAbortSignal, type Readable, type Writable } from 'node:stream';
import { DatabaseError, type ErrorParts, type OperatorError } from '../errors.ts';
import { remedyForLimit } from '../postgres/errors.ts';
import { withLargeWrites } from './large-writes.ts';

/** Most of what a program says on stderr that is kept for the error message, in characters. */
const STDERR_KEPT = 4000;

/** The line with which libpq's programs, or the server, tell of a failure; warnings may stand before it. */
const FAILURE = /^.*(?:\berror:|ERROR:|FATAL:)/m;

/** How long a program may take to end after SIGTERM before it is killed, in milliseconds. */
const TERM_MS = 3000;

/** A client program of PostgreSQL whose standard output is read. */
export interface DumpProcess {
  readonly stdout: Readable;
  /**
   * Waits for the program's end and judges its exit status.
   *
   * @throws DatabaseError, or what `gaveUp` makes, with the program's own words when it failed
   */
  succeeded(): Promise<void>;
  /** Ends the program if it still runs, and waits for its end. */
  stop(): Promise<void>;
}

/**
 * Starts `pg_dump` or `pg_restore`.
 *
 * @param doing for the error: `cannot dump database topobank`
 * @param env the child's whole environment, with the connection as `PG*`
 */
export function startDumpProcess(
  path: string,
  args: readonly string[],
  options: {
    readonly doing: string;
    readonly env: NodeJS.ProcessEnv;
    /** Whether it is given something to read, on its stdin. */
    readonly feed?: boolean;
    /** Makes the error where the program itself has given up; a DatabaseError else. */
    readonly gaveUp?: (parts: ErrorParts) => OperatorError;
  },
): DumpProcess & { readonly stdin: Writable | null } {
  const command = withLargeWrites(path, args, options.env);
  const child = spawn(command.path, command.args, {
    env: options.env,
    stdio: [options.feed === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    // A process group of its own: a Ctrl-C in the terminal goes to us alone, and whatever a wrapper script has
    // started is ended with it.
    detached: true,
  }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = keepTelling(said + text);
  });
  const ended = new Promise<{ code: number | null; signal: string | null; error?: Error }>((resolve) => {
    child.on('error', (error) => resolve({ code: null, signal: null, error }));
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  let gone = false;
  void ended.then(() => {
    gone = true;
  });

  return {
    stdin: child.stdin,
    stdout: child.stdout,
    async succeeded() {
      const { code, signal, error } = await ended;
      if (code === 0) return;
      const how = error?.message ?? (signal === null ? `exit status ${code}` : `ended by ${signal}`);
      const parts = {
        doing: options.doing,
        problem: [`${path}: ${how}`, problemIn(said)].filter((part) => part !== '').join(', '),
        remedy: remedyOf(said),
        cause: error,
      };
      throw code === null || options.gaveUp === undefined ? new DatabaseError(parts) : options.gaveUp(parts);
    },
    async stop() {
      if (gone) return;
      killGroup(child.pid, 'SIGTERM');
      const kill = setTimeout(() => killGroup(child.pid, 'SIGKILL'), TERM_MS);
      child.stdout.destroy();
      await ended;
      clearTimeout(kill);
    },
  };
}

/**
 * What `pg_dump` writes of a database as plain SQL; the end is given only when it exited with status 0.
 *
 * @param options as {@link startDumpProcess} takes them
 * @throws DatabaseError with pg_dump's own words when it failed, or the signal's reason
 */
export async function* runPgDump(
  path: string,
  args: readonly string[],
  options: { readonly doing: string; readonly env: NodeJS.ProcessEnv },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const dump = startDumpProcess(path, ['--format=plain', '--no-password', ...args], options);
  try {
    for await (const chunk of addAbortSignal(signal, dump.stdout)) yield chunk as Buffer;
    await dump.succeeded();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    await dump.stop();
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody is left of it.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Of what was said, what tells why: from the failure on where there is one, else the end. */
function keepTelling(said: string): string {
  const failure = said.search(FAILURE);
  return failure === -1 ? said.slice(-STDERR_KEPT) : said.slice(failure, failure + STDERR_KEPT);
}

/** Three lines at most, in one: the failure and what follows it, or the last ones. */
function problemIn(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (FAILURE.test(said) ? lines.slice(0, 3) : lines.slice(-3)).join(' ');
}

function remedyOf(said: string): string {
  if (/permission denied/.test(said))
    return 'the role must be able to read every table; use the database’s owner';
  if (/row-level security/.test(said)) return 'use the database’s owner, or a role with BYPASSRLS';
  if (/server closed the connection|terminating connection|Connection refused/.test(said)) {
    return 'the connection to the server was lost; see its log and run again';
  }
  return remedyForLimit(said) ?? 'see the server’s log';
}
