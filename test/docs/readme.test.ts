import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/config/settings.ts';
import { StoppedError } from '../../src/errors.ts';
import { HELP_END } from '../../src/program/command.ts';
import { COMMANDS } from '../../src/program/program.ts';
import { runProgram } from '../support/topobank-backup.ts';
import { commandsTable, fillBlock, settingsTable } from './readme-tables.ts';

const README = new URL('../../README.md', import.meta.url);
const SETTINGS_FILE = new URL('../../docs/SETTINGS.md', import.meta.url);
const MEDIA = new URL('../../docs/MEDIA.md', import.meta.url);
const OPERATION = new URL('../../docs/OPERATION.md', import.meta.url);

/** Those of the README's own table: what nearly every service sets, or wants to know the default of. */
const FIRST_SETTINGS = [
  SETTINGS.host,
  SETTINGS.port,
  SETTINGS.user,
  SETTINGS.password,
  SETTINGS.database,
  SETTINGS.endpoint,
  SETTINGS.bucket,
  SETTINGS.accessKeyId,
  SETTINGS.secretAccessKey,
  SETTINGS.region,
  SETTINGS.prefix,
  SETTINGS.mediaPrefix,
  SETTINGS.schedule,
  SETTINGS.zone,
  SETTINGS.verifySchedule,
  SETTINGS.auditSchedule,
  SETTINGS.maxBackups,
];

/** `npx vitest run test/docs --update` writes the tables anew. */
test('the tables of commands and settings are those of the program', async () => {
  const commands = fillBlock(await readFile(README, 'utf8'), 'commands', commandsTable(COMMANDS));
  const readme = fillBlock(commands, 'settings', settingsTable(FIRST_SETTINGS));
  await expect(readme).toMatchFileSnapshot('../../README.md');
  const table = settingsTable(Object.values(SETTINGS));
  const settings = fillBlock(await readFile(SETTINGS_FILE, 'utf8'), 'settings', table);
  await expect(settings).toMatchFileSnapshot('../../docs/SETTINGS.md');
});

test('the README and the help tell the status of each signal that ends the program', async () => {
  const statuses = (['SIGHUP', 'SIGINT', 'SIGTERM'] as const).map(
    (name) => new StoppedError(name).exitStatus,
  );
  const told = `${statuses.join('/')} stopped by a signal`;
  expect(await readFile(README, 'utf8')).toContain(told);
  expect(HELP_END).toContain(told);
});

test('every command and flag that the README and the documents show exists', async () => {
  const texts = await Promise.all(
    [README, SETTINGS_FILE, MEDIA, OPERATION].map((file) => readFile(file, 'utf8')),
  );
  const text = texts.join('\n');
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
