import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/config/settings.ts';
import { COMMANDS } from '../../src/program/program.ts';
import { runProgram } from '../support/topobank-backup.ts';
import { commandsTable, fillBlock, settingsTable } from './readme-tables.ts';

const README = new URL('../../README.md', import.meta.url);

/** `npx vitest run test/docs --update` writes the tables anew. */
test('the README’s tables are those of the program', async () => {
  const text = await readFile(README, 'utf8');
  const commands = fillBlock(text, 'commands', commandsTable(COMMANDS));
  const settings = fillBlock(commands, 'settings', settingsTable(Object.values(SETTINGS)));
  await expect(settings).toMatchFileSnapshot('../../README.md');
});

test('every command and flag that the README shows exists', async () => {
  const text = await readFile(README, 'utf8');
  const shown = [...text.matchAll(/topobank-backup ([a-z-]+)((?: +[^\s`|#]+)*)/g)].map((match) => ({
    command: match[1]!,
    flags: [...(match[2] ?? '').matchAll(/--[a-z-]+/g)].map(([flag]) => flag),
  }));
  expect(shown.length).toBeGreaterThan(5);
  for (const command of new Set(shown.map((line) => line.command))) {
    const { status, stdout } = await runProgram([command, '--help'], {});
    expect({ command, status }).toEqual({ command, status: 0 });
    const flags = shown.filter((line) => line.command === command).flatMap((line) => line.flags);
    for (const flag of flags) expect(stdout).toContain(flag);
  }
});
