import { parseArgs } from 'node:util';
import { renderTable } from '../../src/ui/table.ts';
import { runUntilSignal } from '../support/run-until-signal.ts';
import { AUDIT } from './audit.ts';
import { AUDIT_RGW } from './audit-rgw.ts';
import { BACKUP } from './backup.ts';
import { type Finding, type Subject, seconds } from './bench.ts';
import { RESTORE } from './restore.ts';
import { SCANNER } from './scanner.ts';
import { withBench } from './servers.ts';
import { STARTUP } from './startup.ts';
import { TABLE } from './table.ts';
import { VERIFY } from './verify.ts';

const SUBJECTS: readonly Subject[] = [STARTUP, SCANNER, BACKUP, RESTORE, TABLE, VERIFY, AUDIT, AUDIT_RGW];

const USAGE = `Usage: npm run bench [-- [SUBJECT …] [--size 500MB] [--rounds N]]

Measures the tool on throwaway servers, each subject and its baseline in turns, and prints medians and ratios.
The exit status is 0 whatever the figures are, 1 when something could not be run.

${SUBJECTS.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n')}

  --size SIZE  dump text of the large database, as 500MB or 1GB (1GB); the small one has a tenth
  --rounds N   how often each side is run (3)`;

// The SDK's notice that Node 20 comes to its end is no measurement.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
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
  const say = (what: string) => console.error(`bench: ${what}`);
  return await runUntilSignal('bench', 'both servers are removed', async (signal) => {
    await withBench({ ...options, signal, say }, async (bench) => {
      const findings: Finding[] = [];
      for (const subject of options.subjects) {
        say(subject.name);
        findings.push(...(await subject.run(bench)));
      }
      console.log(render(findings));
    });
    return 0;
  });
}

function render(findings: readonly Finding[]): string {
  return renderTable(
    [
      { title: 'subject' },
      { title: 'measured', align: 'right' },
      { title: 'baseline', align: 'right' },
      { title: 'ratio', align: 'right' },
      { title: 'goal' },
      { title: 'cpu of the tool', align: 'right' },
    ],
    findings.map(({ subject, measured, baseline, ratio, goal, cpuMs }) => [
      subject,
      measured,
      baseline,
      ratio?.toFixed(2) ?? '–',
      goal,
      cpuMs === undefined ? '–' : seconds(cpuMs),
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
    const subjects = SUBJECTS.filter(({ name, isOnDemand }) =>
      positionals.length === 0 ? isOnDemand !== true : positionals.includes(name),
    );
    return {
      subjects,
      bytes: size('--size', values.size ?? '1GB'),
      rounds: wholeNumber('--rounds', values.rounds ?? '3'),
    };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function size(name: string, text: string): number {
  const [, number, unit] = /^([1-9]\d{0,5})(MB|GB)$/.exec(text) ?? [];
  if (number === undefined)
    throw new Error(`${name}: ${JSON.stringify(text)} is no size such as 500MB or 1GB`);
  return Number(number) * (unit === 'GB' ? 1e9 : 1e6);
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Error(`${name}: ${JSON.stringify(text)} is no whole number of 1 or more`);
}
