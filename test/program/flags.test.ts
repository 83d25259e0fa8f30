import { expect, test } from 'vitest';
import type { Setting } from '../../src/config/setting.ts';
import { SETTINGS } from '../../src/config/settings.ts';
import { COMMANDS } from '../../src/program/program.ts';
import { runProgram } from '../support/topobank-backup.ts';

const FLAGGED = Object.values<Setting>(SETTINGS).flatMap(({ flag, names: [name] }) =>
  flag === undefined ? [] : [{ flag, name }],
);

/** No setting may be blank, so whichever is read is named. */
const BLANK = Object.fromEntries(FLAGGED.map(({ name }) => [name, ' ']));

/** Command lines that between them read all that their command reads at its start, and flags that it reads later. */
const LINES: readonly { lines: readonly string[]; later?: readonly string[] }[] = [
  { lines: ['backup'] },
  { lines: ['list'] },
  { lines: ['show latest', 'show latest --diff latest'] },
  { lines: ['fetch latest'] },
  { lines: ['push FILE'] },
  { lines: ['prune', 'prune --dry-run'] },
  { lines: ['restore --latest', 'restore FILE'], later: ['references', 'grace'] },
  { lines: ['service'] },
  { lines: ['dbbackup'] },
  { lines: ['verify', 'verify --all', 'verify --restore'], later: ['host', 'port', 'user', 'database'] },
  { lines: ['doctor'] },
  { lines: ['health'] },
  {
    lines: [
      'audit-orphans',
      'audit-orphans --backup latest',
      'audit-orphans --all-backups',
      'audit-orphans --quarantine',
    ],
  },
  { lines: ['quarantine list', 'quarantine restore 20261123103000', 'quarantine purge --older-than 1d'] },
  { lines: ['media check latest', 'media restore latest'] },
];

test('every command is looked at', () => {
  const names = LINES.map(({ lines }) => lines[0]?.split(' ')[0]);
  expect(new Set(names)).toEqual(new Set(COMMANDS.map(({ name }) => name)));
});

test.each(LINES)(
  '$lines.0 takes the flags of just the settings that it reads',
  async ({ lines, later = [] }) => {
    const [command = ''] = lines[0]?.split(' ') ?? [];
    const help = await runProgram([command, '--help'], {});
    const offered = FLAGGED.filter(({ flag }) => help.stdout.includes(`--${flag} <value>`));
    const runs = await Promise.all(lines.map((line) => runProgram(line.split(' '), BLANK)));
    const read = FLAGGED.filter(({ name }) => runs.some(({ stderr }) => stderr.includes(`${name} is empty`)));
    expect(flagsOf(offered)).toEqual(new Set([...flagsOf(read), ...later]));
  },
);

test.each([
  'quarantine list',
  'quarantine restore 20261123103000',
  'restore --latest --into x --table t',
  'restore --latest --into x --table t --data-only',
])('%s refuses the flags of settings that only another use of the command reads', async (line) => {
  const args = line.split(' ');
  const [help, bare] = await Promise.all([runProgram([args[0]!, '--help'], {}), runProgram(args, BLANK)]);
  const offered = FLAGGED.filter(({ flag }) => help.stdout.includes(`--${flag} <value>`));
  const read = flagsOf(FLAGGED.filter(({ name }) => bare.stderr.includes(`${name} is empty`)));
  const unread = [...flagsOf(offered)].filter((flag) => !read.has(flag));
  expect(unread).toContain('references');
  const given = [...flagsOf(offered)].flatMap((flag) => [`--${flag}`, '1']);
  const { status, stderr } = await runProgram([...args, ...given], BLANK);
  expect(status).toBe(2);
  const refused = /(?:does not accept|omit) (.*?)(?: —|$)/m.exec(stderr)?.[1]?.match(/(?<=--)[\w-]+/g);
  expect(new Set(refused)).toEqual(new Set(unread));
});

function flagsOf(settings: typeof FLAGGED): Set<string> {
  return new Set(settings.map(({ flag }) => flag));
}
