import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createTerminal } from '../support/terminal.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';
import { PROGRAM } from '../support/topobank-backup.ts';

let bed: TestBed;
beforeAll(async () => {
  bed = await createTestBed(inject('postgres'));
  await bed.database.query(
    'CREATE TABLE wide AS SELECT g AS id, repeat(md5(g::text), 300) AS body FROM generate_series(1, 5000) g',
  );
});
afterAll(() => bed.close());

const SHOW_CURSOR = '\u001b[?25h';
const HIDE_CURSOR = '\u001b[?25l';
const NOTICE = 'a second signal exits at once';

/** Starts the program on a terminal of its own, which `script` of util-linux makes. */
function startOnTerminal(...args: string[]) {
  const line = `stty cols 200 rows 30; echo PID $$; exec "$NODE" "$PROGRAM" ${args.join(' ')}`;
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    // As variables, their paths may have any characters.
    env: { PATH: process.env.PATH!, HOME: '/', TERM: 'xterm', NODE: process.execPath, PROGRAM, ...bed.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const status = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  return {
    text: () => text,
    kill: (signal: NodeJS.Signals) => process.kill(Number(/PID (\d+)/.exec(text)![1]), signal),
    /** @throws where the program ends without having written that */
    async shows(words: string) {
      for (let ended = false; !text.includes(words); ) {
        if (ended) throw new Error(`it has ended without ${JSON.stringify(words)}: ${text}`);
        const more = new Promise<false>((resolve) => child.stdout.once('data', () => resolve(false)));
        ended = await Promise.race([more, status.then(() => true)]);
      }
    },
    status,
    lines() {
      const terminal = createTerminal({ columns: 200, rows: 30 });
      terminal.stream.write(text.replaceAll('\r\n', '\n'));
      return terminal.lines();
    },
  };
}

/** Starts a backup whose clean-up, once it is stopped, waits for {@link release}. */
async function startHeld() {
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  const held = new Promise<void>((onHeld) => {
    const what = { kind: 'hold', until, onHeld } as const;
    bed.server.faults.push({ operation: 'UploadPart', times: 1, what });
  });
  bed.server.faults.push({ operation: 'AbortMultipartUpload', times: 1, what: { kind: 'hold', until } });
  const program = startOnTerminal('backup');
  await program.shows(HIDE_CURSOR);
  await held;
  program.kill('SIGTERM');
  await program.shows(NOTICE);
  return { program, release };
}

test('a program that is stopped says so above its bar, and leaves the terminal as it was', async () => {
  const { program, release } = await startHeld();
  release();
  expect(await program.status).toBe(128 + constants.signals.SIGTERM);
  expect(program.lines().slice(-2)).toEqual([
    expect.stringContaining(NOTICE),
    'topobank-backup: stopped: received SIGTERM',
  ]);
  expect(program.text().lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(program.text().lastIndexOf(HIDE_CURSOR));
});

test('a second signal leaves the terminal as it was too', async () => {
  const { program, release } = await startHeld();
  program.kill('SIGTERM');
  expect(await program.status).toBe(128 + constants.signals.SIGTERM);
  release();
  expect(program.lines().at(-1)).toContain(NOTICE);
  expect(program.text().lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(program.text().lastIndexOf(HIDE_CURSOR));
});
