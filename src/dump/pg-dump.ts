import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { addAbortSignal, type Readable, type Writable } from 'node:stream';
import { DatabaseError, type ErrorParts, type OperatorError } from '../errors.ts';
import { remedyForConflict, remedyForHiddenRows, remedyForLimit } from '../postgres/errors.ts';
import { withLargeWrites } from './large-writes.ts';
import { tellWarnings } from './tell-warnings.ts';

/** How much of a program's stderr is kept for the error message, in characters. */
const STDERR_KEPT = 4000;

/** The line in which libpq's programs, or the server, report a failure; warnings may precede it. */
const FAILURE = /^.*(?:\berror:|ERROR:|FATAL:)/m;

/**
 * What is said of an object that is gone between pg_dump's look at the catalog, which is as of its snapshot, and the
 * moment when it locks the object or has it printed.
 */
const GONE_MEANWHILE =
  /relation "[^\n]*" does not exist|with OID \d+ does not exist|could not open relation with OID|cache lookup failed/;

/** How long a program may take to exit after SIGTERM before it is killed, in milliseconds. */
const TERM_MS = 3000;

/** A PostgreSQL client program whose standard output is read. */
interface DumpProcess {
  readonly stdout: Readable;
  /**
   * Waits for the program to exit and checks its exit status.
   *
   * @throws DatabaseError, or what `gaveUp` makes, with the program's own words if it failed
   */
  succeeded(): Promise<void>;
  /** Ends the program if it is still running, and waits for it to exit. */
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
    /** Whether it is given input, on its stdin. */
    readonly feed?: boolean;
    /** Receives what it warns of, each in a line. */
    readonly warn?: (said: string) => void;
    /** Makes the error if the program itself has given up; a DatabaseError by default. */
    readonly gaveUp?: (parts: ErrorParts) => OperatorError;
  },
): DumpProcess & { readonly stdin: Writable | null } {
  const env = inEnglish(options.env);
  const command = withLargeWrites(path, args, env);
  const child = spawn(command.path, command.args, {
    env,
    stdio: [options.feed === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    // Its own process group: a Ctrl-C in the terminal reaches only us, and whatever a wrapper script has started is
    // ended with it.
    detached: true,
  }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = keepTelling(said + text);
  });
  if (options.warn !== undefined) tellWarnings(child.stderr, options.warn);
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
 * The plain SQL that `pg_dump` writes of a database. The stream ends without an error only if pg_dump exited with
 * status 0.
 *
 * @param options as for {@link startDumpProcess}
 * @throws DatabaseError with pg_dump's own words if it failed, or the signal's reason
 */
export async function* runPgDump(
  path: string,
  args: readonly string[],
  options: {
    readonly doing: string;
    readonly env: NodeJS.ProcessEnv;
    readonly warn?: (said: string) => void;
  },
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

/** The same environment, with messages as they are recognized here; LC_ALL and LANGUAGE would override that. */
function inEnglish({ LC_ALL, LANGUAGE: _, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, ...(LC_ALL === undefined ? {} : { LANG: LC_ALL }), LC_MESSAGES: 'C' };
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The whole group is gone.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The part of the output that says why: from the failure on if there is one, otherwise the end. */
function keepTelling(said: string): string {
  const failure = said.search(FAILURE);
  return failure === -1 ? said.slice(-STDERR_KEPT) : said.slice(failure, failure + STDERR_KEPT);
}

/** At most three lines, joined: the failure and what follows it, or the last ones. */
function problemIn(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (FAILURE.test(said) ? lines.slice(0, 3) : lines.slice(-3)).join(' ');
}

function remedyOf(said: string): string {
  // pg_dump 18 does not ask for a sequence that it may not read, and says so in words of its own.
  if (/permission denied|may lack \w+ privilege/.test(said))
    return 'the role must be able to read every table and sequence; use the database’s owner';
  const conflict = remedyForConflict(said);
  if (conflict !== undefined) return conflict;
  if (/server closed the connection|terminating connection|Connection refused/.test(said)) {
    return 'the connection to the server was lost; see its log and run again';
  }
  // It locks every table and sequence at once, for as long as it runs.
  if (/max_locks_per_transaction/.test(said)) {
    return 'raise max_locks_per_transaction for as many tables and sequences, restart the server, and run again';
  }
  if (GONE_MEANWHILE.test(said)) {
    return 'run again, for it may have been dropped or renamed at this moment; if it fails again, see the server’s log';
  }
  return remedyForHiddenRows(said) ?? remedyForLimit(said) ?? 'see the server’s log';
}
