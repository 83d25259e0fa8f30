import type { Setting } from '../../src/config/setting.ts';
import type { CommandSpec } from '../../src/program/command.ts';

/** A table of settings: every variable with its aliases, its flag and its default. */
export function settingsTable(settings: readonly Setting[]): string {
  const rows = settings.map((setting) => {
    const [name, ...aliases] = setting.names;
    const also = [
      ...aliases.map(code),
      ...(setting.secret ? [code(`${name}_FILE`)] : []),
      ...(setting.flag === undefined ? [] : [code(`--${setting.flag}`)]),
    ];
    return [code(name), also.join(', '), defaultOf(setting), setting.about];
  });
  return markdownTable(['variable', 'also', 'default', 'what it is'], rows);
}

/** The README's table of commands. */
export function commandsTable(commands: readonly CommandSpec[]): string {
  const rows = commands.map(({ name, args, about }) => [
    code([name, ...(args ?? []).map(([spelling]) => spelling)].join(' ')),
    about,
  ]);
  return markdownTable(['command', 'what it does'], rows);
}

/**
 * Puts `content` between the lines `<!-- name -->` and `<!-- /name -->`.
 *
 * @throws Error where the text has no such lines
 */
export function fillBlock(text: string, name: string, content: string): string {
  const begin = `<!-- ${name} -->\n`;
  const end = `<!-- /${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the text has no block ${name}`);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}

function defaultOf({ fallback, optional }: Setting): string {
  if (fallback !== undefined) return code(fallback);
  return optional ? '–' : '**required**';
}

function code(text: string): string {
  return `\`${text}\``;
}

function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n').concat('\n');
}
