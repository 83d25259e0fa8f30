import { type Command, Option } from 'commander';
import type { CommonOptions, Invocation } from '../commands/session.ts';
import { openSecretFiles } from '../config/secret-files.ts';
import type { Setting, SettingGroup } from '../config/setting.ts';
import { SETTINGS } from '../config/settings.ts';
import type { Bars } from '../ui/bars.ts';
import { usageError } from './usage-error.ts';

/** One command of the program: its help, and what it does. */
export interface CommandSpec {
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  /** Groups of settings whose flags the command takes. */
  readonly groups: readonly SettingGroup[];
  /** Positional arguments as commander spells them: `<id>`, `[dir]`. */
  readonly args?: readonly (readonly [spelling: string, about: string])[];
  /** Options of its own, as commander spells them: `--at <time>`. Of one marked `list`, the command receives a list. */
  readonly options?: readonly (readonly [spelling: string, about: string, times?: 'list'])[];
  readonly examples: readonly string[];
  /** Loads the command's module, so that only what is used is loaded, and runs it. */
  readonly run: (invocation: Invocation, ...args: (string | undefined)[]) => Promise<number>;
}

/** What every command of one run of the program shares. */
export interface ProgramContext {
  readonly env: NodeJS.ProcessEnv;
  /** Name and version of this program. */
  readonly tool: string;
  readonly signal: AbortSignal;
  readonly bars: Bars;
  /** Called with the exit status of the command that ran. */
  readonly onExit: (status: number) => void;
}

/** The end of the help of the program and of each command. */
export const HELP_END = `
Exit status:
  0 done · 1 failed · 2 bad usage or configuration · 3 a check found a fault
  4 no such backup or file · 5 another run holds the lock
  129/130/143 stopped by a signal, cleaned up

Settings come from the environment (POSTGRES_*, AWS_*, S3_*); flags take
precedence. docs/SETTINGS.md lists them all.`;

/** Adds a command with its settings' flags, its own options, and `--json`, `--quiet`, `--help`. */
export function addCommand(program: Command, spec: CommandSpec, context: ProgramContext): void {
  const command = program.command(spec.name).description(spec.about);
  for (const [spelling, about] of spec.args ?? []) command.argument(spelling, about);
  for (const [spelling, about, times] of spec.options ?? []) {
    const option = new Option(spelling, about);
    command.addOption(times === 'list' ? option.argParser(collect) : option);
  }
  command
    .exitOverride((error) => {
      throw usageError(`${program.name()} ${spec.name}`, error);
    })
    .option('--json', 'print one JSON document on stdout')
    .option('--quiet', 'log errors only; show no progress')
    .addHelpText('after', examples(spec.examples));
  // Behind the command's own options, which say what it does.
  for (const option of settingOptions(spec.groups)) command.addOption(option);
  command.action(async () => {
    const { env, tool, signal, bars } = context;
    const options = command.opts<CommonOptions>();
    const given = spec.args?.map((_, index) => command.processedArgs[index] as string | undefined) ?? [];
    const invocation: Invocation = {
      options,
      flags: settingFlags(command, spec.groups),
      env,
      secretFiles: openSecretFiles(),
      tool,
      signal,
      bars,
    };
    context.onExit(await spec.run(invocation, ...given));
  });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function settingOptions(groups: readonly SettingGroup[]): Option[] {
  return flaggedSettings(groups).map(({ flag, setting }) => {
    const fallback = setting.fallback === undefined ? '' : `, default: ${setting.fallback}`;
    const about = asOption(setting.about.replace(/[.;](\s.*)?$/, ''));
    return new Option(`--${flag} <value>`, `${about} (${setting.names[0]}${fallback})`).helpGroup(
      'Settings:',
    );
  });
}

/** Options begin in lower case, as commander's own do; names keep their spelling. */
function asOption(about: string): string {
  return /^(PostgreSQL|S3)\b/.test(about) ? about : `${about.charAt(0).toLowerCase()}${about.slice(1)}`;
}

function settingFlags(command: Command, groups: readonly SettingGroup[]): Record<string, string | undefined> {
  const flags = flaggedSettings(groups).map(({ flag }) => {
    const value: unknown = command.getOptionValue(new Option(`--${flag} <value>`).attributeName());
    return [flag, typeof value === 'string' ? value : undefined] as const;
  });
  return Object.fromEntries(flags);
}

function flaggedSettings(groups: readonly SettingGroup[]): { flag: string; setting: Setting }[] {
  return Object.values<Setting>(SETTINGS).flatMap((setting) =>
    setting.flag !== undefined && groups.includes(setting.group) ? [{ flag: setting.flag, setting }] : [],
  );
}

function examples(lines: readonly string[]): string {
  const shown = lines.map((line) => `  ${line}`).join('\n');
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${shown}\n${HELP_END}`;
}
