/**
 * The errors an operator sees: one class per remedy, each with the exit status it ends the program with.
 * Their messages read `what was being done, to what: what went wrong — what to do`.
 */

/** Exit statuses of the program. A signal ends it with 128 + the signal's number, see {@link StoppedError}. */
export const EXIT = { done: 0, failed: 1, usage: 2, fault: 3, notFound: 4, locked: 5 } as const;

/** The parts of a message. `remedy` says what the operator can do; it is omitted only if nothing can be done. */
export interface ErrorParts {
  /** What was being done, to what: `cannot write backup/x.sql to bucket topobank-assets`. */
  readonly doing: string;
  /** What went wrong: `403 AccessDenied`. */
  readonly problem: string;
  /** What to do: `the key needs s3:PutObject on backup/*`. */
  readonly remedy?: string;
  /** The error underneath, kept for `LOG_LEVEL=debug`. */
  readonly cause?: unknown;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What people are told of an error: of one that is not meant for them, that it is unexpected. */
export function tellError(error: unknown): string {
  return error instanceof OperatorError ? error.message : `unexpected: ${messageOf(error)}`;
}

/** Whether an error code of Node's TLS concerns the peer's certificate. */
export function isCertificateCode(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code);
}

/** Base of all errors meant for the operator: shown as one line, without a stack trace. */
export abstract class OperatorError extends Error {
  abstract readonly exitStatus: number;
  readonly doing: string;
  readonly problem: string;
  readonly remedy: string | undefined;

  constructor(parts: ErrorParts) {
    const remedy = parts.remedy === undefined ? '' : ` — ${parts.remedy}`;
    super(`${parts.doing}: ${parts.problem}${remedy}`.replace(/\s*[\r\n]+\s*/g, ' '), {
      ...(parts.cause === undefined ? {} : { cause: parts.cause }),
    });
    this.name = new.target.name;
    this.doing = parts.doing;
    this.problem = parts.problem;
    this.remedy = parts.remedy;
  }
}

/**
 * A flag, a variable or a file named by one is wrong: the operator corrects the command line or the configuration.
 */
export class ConfigError extends OperatorError {
  readonly exitStatus = EXIT.usage;
}

/** PostgreSQL or one of its client programs refused or failed: the operator looks at the database. */
export class DatabaseError extends OperatorError {
  readonly exitStatus = EXIT.failed;
}

/** The S3 server refused or failed: the operator looks at the bucket, the key's rights or the network. */
export class StoreError extends OperatorError {
  readonly exitStatus = EXIT.failed;
  /** If a call on several objects failed for some of them: their keys. */
  readonly keys: readonly string[];

  constructor(parts: ErrorParts & { readonly keys?: readonly string[] }) {
    super(parts);
    this.keys = parts.keys ?? [];
  }
}

/** A dump is not what it should be (truncated, not a dump, bytes that do not match its manifest): use another one. */
export class DumpError extends OperatorError {
  readonly exitStatus = EXIT.failed;
  /** Whether it is compressed in a way that the tool cannot unpack; it may still be good. */
  readonly cannotUnpack: boolean;

  constructor(parts: ErrorParts & { readonly cannotUnpack?: boolean }) {
    super(parts);
    this.cannotUnpack = parts.cannotUnpack ?? false;
  }
}

/** A restore stopped; the target database is as it was, or the message says what state it is in. */
export class RestoreError extends OperatorError {
  readonly exitStatus = EXIT.failed;
  /** Whether the server lacks something that the dump names; another server may have it. */
  readonly serverLacks: boolean;

  constructor(parts: ErrorParts & { readonly serverLacks?: boolean }) {
    super(parts);
    this.serverLacks = parts.serverLacks ?? false;
  }
}

/** The same error, with other advice. */
export function withRemedy<E extends DatabaseError | RestoreError>(error: E, remedy: string): E {
  const SameClass = error.constructor as new (parts: ErrorParts) => E;
  // The cause is no enumerable property, unlike the other parts.
  return new SameClass({ ...error, remedy, cause: error.cause });
}

/** Another run holds the lock: wait, or end the other run. */
export class LockedError extends OperatorError {
  readonly exitStatus = EXIT.locked;
}

/** What a command prints, or writes to a file, could not be written: the operator looks at the destination. */
export class OutputError extends OperatorError {
  readonly exitStatus = EXIT.failed;
}

/** Confirmation was declined: nothing was done. */
export class DeclinedError extends OperatorError {
  readonly exitStatus = EXIT.failed;
}

/** No such backup or file: choose one that exists. */
export class NotFoundError extends OperatorError {
  readonly exitStatus = EXIT.notFound;
}

/** The reason of every abort by a signal: work was stopped and cleaned up. Exit status 128 + signal number. */
export class StoppedError extends OperatorError {
  readonly exitStatus: number;

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super({ doing: 'stopped', problem: `received ${signal}` });
    this.exitStatus = 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];
  }
}
