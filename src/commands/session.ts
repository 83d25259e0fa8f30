import { type Config, readConfig } from '../config/config.ts';
import type { SecretFiles } from '../config/secret-files.ts';
import type { SettingGroup } from '../config/setting.ts';
import { openStore } from '../s3/s3-store.ts';
import type { Store } from '../s3/store.ts';
import type { Bars } from '../ui/bars.ts';
import { type Confirm, createConfirm } from '../ui/confirm.ts';
import { escapeInLines } from '../ui/controls.ts';
import { createLog, type Logger } from '../ui/log.ts';
import { createProgress, type StartProgress } from '../ui/progress.ts';

/** Options that every command takes; `yes` only if the command asks before it destroys anything. */
export interface CommonOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly yes?: true;
}

/** What the program passes to a command. */
export interface Invocation {
  /** The command's options as commander spells them; a command narrows them to its own. */
  readonly options: CommonOptions;
  /** The flags for settings, by long name. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: NodeJS.ProcessEnv;
  readonly secretFiles: SecretFiles;
  /** Name and version of this program. */
  readonly tool: string;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
  /** The progress bars of the process. */
  readonly bars: Bars;
}

/** What a command works with: what it was passed, the settings it asked for, and the means of talking to people. */
export interface Session<G extends SettingGroup> extends Invocation {
  readonly config: Config<G>;
  readonly log: Logger;
  readonly startProgress: StartProgress;
  readonly confirm: Confirm;
  readonly now: () => Date;
  /** Width of the terminal on stdout, in characters; undefined if stdout is not a terminal. */
  readonly width: number | undefined;
  /**
   * Writes intermediate output for people to stdout; nothing with `--json`. All control characters except line feeds
   * are escaped, so a value that may contain line feeds itself (a key) must be escaped first.
   */
  tell(text: string): void;
  /** Writes the result to stdout: the document with `--json`, otherwise the text, as {@link tell} does. */
  print(document: unknown, text: string): void;
  /** Writes a piece of a result that is too large to print at once; waits for a slow reader. */
  write(text: string): Promise<void>;
}

/** @throws ConfigError for missing or wrong settings */
export function openSession<G extends SettingGroup>(
  invocation: Invocation,
  groups: readonly G[],
): Session<G> {
  const { options, signal, bars } = invocation;
  // One call, so that all problems are reported together.
  const config = readConfig<G | 'log'>(invocation, [...groups, 'log']);
  const { logLevel, logFormat } = config as unknown as Config<'log'>;
  const quiet = options.quiet === true;
  const level = quiet && logLevel !== 'debug' ? 'error' : logLevel;
  const log = createLog({ level, format: logFormat, aside: bars.aside });
  const onTerminal = process.stderr.isTTY === true && logFormat === 'text';
  const toStdout = (text: string, written = () => {}) =>
    bars.aside(() => process.stdout.write(text, written));
  return {
    ...invocation,
    config: config as unknown as Config<G>,
    log,
    startProgress: createProgress({ terminal: onTerminal ? process.stderr : undefined, bars, quiet, log }),
    confirm: createConfirm({
      yes: options.yes === true,
      input: process.stdin,
      output: process.stderr,
      signal,
    }),
    now: () => new Date(),
    // A terminal whose size was never set reports 0.
    width: process.stdout.columns > 0 ? process.stdout.columns : undefined,
    tell(text) {
      if (options.json !== true) toStdout(`${escapeInLines(text)}\n`);
    },
    print(document, text) {
      const shown = options.json === true ? JSON.stringify(document, undefined, 2) : escapeInLines(text);
      toStdout(`${shown}\n`);
    },
    // A reader that is gone (`| head`) is not a failure.
    write: (text) => new Promise((resolve) => toStdout(text, resolve)),
  };
}

type StoreSession = Pick<Session<'store'>, 'config' | 'log' | 'signal'>;

/**
 * For a command that reports the current state to a caller that cannot wait long: an unreachable server is an answer
 * in itself.
 */
export function atOnce(session: StoreSession): StoreSession {
  return { ...session, config: { ...session.config, serverWait: 0 } };
}

/** Runs `work` with the configured store and closes its connections. */
export async function withStore<T>(
  { config, log, signal }: StoreSession,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = openStore(config, { onWait: (problem) => log.warn(problem), stop: signal });
  try {
    return await work(store);
  } finally {
    store.close();
  }
}
