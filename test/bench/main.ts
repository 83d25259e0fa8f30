import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { renderTable } from '../../src/ui/table.ts';
import { BACKUP } from './backup.ts';
import type { Finding, Subject } from './bench.ts';
import { RESTORE } from './restore.ts';
import { SCANNER } from './scanner.ts';
import { withBench } from './servers.ts';
import { STARTUP } from './startup.ts';

const SUBJECTS: readonly Subject[] = [STARTUP, SCANNER, BACKUP, RESTORE];

const USAGE = `Usage: npm run bench [-- [SUBJECT …] [--size MB] [--rounds N]]

Measures the tool on throwaway servers, each subject and its baseline in turns, and prints medians and ratios.

${SUBJECTS.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n')}

  --size MB    dump text of the large database, in megabytes (1000); the small one has a tenth
  --rounds N   how often each side is run (3)`;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options instanceof Error) {
    console.error(`bench: ${options.message}\n\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const stop = new AbortController();
  let received: (typeof SIGNALS)[number] | undefined;
  for (const name of SIGNALS) {
    process.on(name, () => {
      received ??= name;
      stop.abort(new Error(`stopped by ${name}`));
    });
  }
  const say = (what: string) => console.error(`bench: ${what}`);
  try {
    await withBench({ ...options, signal: stop.signal, say }, async (bench) => {
      const findings: Finding[] = [];
      for (const subject of options.subjects) {
        say(subject.name);
        findings.push(...(await subject.run(bench)));
      }
      console.log(render(findings));
    });
    return 0;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    return received === undefined ? 1 : 128 + constants.signals[received];
  }
}

function render(findings: readonly Finding[]): string {
  return renderTable(
    [
      { title: 'subject' },
      { title: 'measured', align: 'right' },
      { title: 'baseline', align: 'right' },
      { title: 'ratio', align: 'right' },
      { title: 'goal' },
    ],
    findings.map(({ subject, measured, baseline, ratio, goal }) => [
      subject,
      measured,
      baseline,
      ratio?.toFixed(2) ?? '–',
      goal,
    ]),
  );
}

function readOptions(
  args: string[],
):
  | { readonly subjects: readonly Subject[]; readonly bytes: number; readonly rounds: number }
  | 'help'
  | Error {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { size: { type: 'string' }, rounds: { type: 'string' }, help: { type: 'boolean' } },
    });
    if (values.help) return 'help';
    const unknown = positionals.find((name) => !SUBJECTS.some((subject) => subject.name === name));
    if (unknown !== undefined) return new Error(`there is no subject ${unknown}`);
    const subjects =
      positionals.length === 0 ? SUBJECTS : SUBJECTS.filter(({ name }) => positionals.includes(name));
    return {
      subjects,
      bytes: wholeNumber('--size', values.size ?? '1000') * 1e6,
      rounds: wholeNumber('--rounds', values.rounds ?? '3'),
    };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Error(`${name}: ${JSON.stringify(text)} is no whole number of 1 or more`);
}
