import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import type { CommonOptions, Invocation } from './commands/session.ts';
import { SETTINGS, type Setting, type SettingGroup } from './config/settings.ts';
import { EXIT, OperatorError, StoppedError } from './errors.ts';

const EXIT_STATUS = `
Exit status:
  0 done · 1 failed · 2 bad usage or configuration · 3 a check found a fault · 4 no such backup
  130/143 stopped by a signal, cleaned up

Settings come from the environment (POSTGRES_*, AWS_*, S3_*); flags win. The README lists them all.`;

/**
 * Runs one command line.
 *
 * @returns the exit status
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const stop = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handlers = signals.map((name) => {
    const handler = () => stop.abort(new StoppedError(name));
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  // `list | head` closes the pipe early, which is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  let status: number = EXIT.done;
  try {
    const program = buildProgram(env, stop.signal, (code) => {
      status = code;
    });
    await program.parseAsync(argv);
    return status;
  } catch (error) {
    return report(error, env);
  } finally {
    for (const remove of handlers) remove();
  }
}

function buildProgram(env: NodeJS.ProcessEnv, signal: AbortSignal, exit: (status: number) => void): Command {
  const version = packageVersion();
  const invocation = (command: Command): Invocation => ({
    options: settingFlags(command) as CommonOptions,
    env,
    tool: `topobank-backup ${version}`,
    signal,
  });

  const program = new Command('topobank-backup')
    .description(
      'PostgreSQL to S3: backups that are complete or absent, restores that cannot make things worse.',
    )
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', EXIT_STATUS);

  define(program, 'backup', ['database', 'store', 'backup'], 'Dump the database into the bucket, now.')
    .addHelpText(
      'after',
      example('topobank-backup backup', 'topobank-backup backup --database topobank --json'),
    )
    .action(async (_options, command: Command) =>
      (await import('./commands/backup.ts')).run(invocation(command)),
    );

  define(program, 'list', ['store'], 'List the backups in the bucket, newest first.')
    .addHelpText('after', example('topobank-backup list', 'topobank-backup list --json'))
    .action(async (_options, command: Command) =>
      (await import('./commands/list.ts')).run(invocation(command)),
    );

  define(program, 'show', ['store'], 'Show what is known of one backup.')
    .argument('<id>', 'id of the backup, as `list` shows it')
    .addHelpText('after', example('topobank-backup show 20261123103000'))
    .action(async (id: string, _options, command: Command) =>
      (await import('./commands/show.ts')).run(invocation(command), id),
    );

  define(program, 'fetch', ['store'], 'Download a dump, checked against its manifest.')
    .argument('<id>', 'id of the backup, or `latest`')
    .argument('[dir]', 'directory for the file', '.')
    .addHelpText(
      'after',
      example('topobank-backup fetch 20261123103000 /var/tmp', 'topobank-backup fetch latest'),
    )
    .action(async (id: string, dir: string, _options, command: Command) =>
      (await import('./commands/fetch.ts')).run(invocation(command), id, dir),
    );

  define(program, 'push', ['store', 'backup'], 'Store a local dump (.sql, .sql.gz, .dump) as a backup.')
    .argument('<file>', 'a file that pg_dump wrote')
    .addHelpText('after', example('topobank-backup push ./backup_2018_03_13T09_05_07.sql.gz'))
    .action(async (file: string, _options, command: Command) =>
      (await import('./commands/push.ts')).run(invocation(command), file),
    );

  define(
    program,
    'restore',
    ['database', 'store'],
    'Restore a backup or a local dump beside the database, check it, and swap the two.',
  )
    .argument('[what]', 'id of a backup, or a file (.sql, .sql.gz, .dump)')
    .option('--latest', 'the newest backup that is whole')
    .option('--at <time>', 'the newest begun at or before this UTC time')
    .option('--into <name>', 'restore into a new database of this name and swap nothing')
    .option('--in-place', 'drop the database first, where there is no room for two')
    .option('--drop-old', 'drop the old database after the swap instead of keeping it')
    .option('--no-owner', 'leave out owners and grants')
    .option('--dry-run', 'say what would be done and do nothing')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      example(
        'topobank-backup restore --latest',
        'topobank-backup restore --at 2026-11-23T10:30 --yes',
        'topobank-backup restore ./dump.sql.gz --into topobank_copy',
      ),
    )
    .action(async (what: string | undefined, _options, command: Command) =>
      (await import('./commands/restore.ts')).run(invocation(command), what, command.opts()),
    );

  define(program, 'doctor', ['database', 'store'], 'Try everything that backups and restores need.')
    .addHelpText('after', example('topobank-backup doctor'))
    .action(async (_options, command: Command) =>
      exit(await (await import('./commands/doctor.ts')).run(invocation(command))),
    );

  return program;
}

function define(
  program: Command,
  name: string,
  groups: readonly SettingGroup[],
  description: string,
): Command {
  const command = program.command(name).description(description);
  for (const setting of Object.values<Setting>(SETTINGS)) {
    if (setting.flag === undefined || !groups.includes(setting.group)) continue;
    const fallback = setting.fallback === undefined ? '' : `, else ${setting.fallback}`;
    const about = setting.about.replace(/[.;].*$/, '');
    command.addOption(new Option(`--${setting.flag} <value>`, `${about} (${setting.names[0]}${fallback})`));
  }
  return command
    .option('--json', 'print one JSON document on stdout')
    .option('--quiet', 'log errors only, show no progress');
}

/** commander spells `--no-owner` as `owner`; settings have names of one word, so they come as they are. */
function settingFlags(command: Command): Record<string, unknown> {
  const { at: _at, into: _into, ...options } = command.opts();
  return options;
}

function example(...lines: string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  ${line}`).join('\n')}\n${EXIT_STATUS}`;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** Says what went wrong, in one line, and how the program ends. */
function report(error: unknown, env: NodeJS.ProcessEnv): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const message = error instanceof Error ? error.message : String(error);
  const line = error instanceof OperatorError ? message : `unexpected: ${message}`;
  if (env.LOG_FORMAT === 'json') {
    process.stderr.write(`${JSON.stringify({ level: 50, time: new Date().toISOString(), msg: line })}\n`);
  } else process.stderr.write(`topobank-backup: ${line}\n`);
  if (env.LOG_LEVEL === 'debug') process.stderr.write(`${describeCauses(error)}\n`);
  return error instanceof OperatorError ? error.exitStatus : EXIT.failed;
}

function describeCauses(error: unknown): string {
  const stacks: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) stacks.push(at.stack ?? at.message);
  return stacks.join('\ncaused by ');
}
