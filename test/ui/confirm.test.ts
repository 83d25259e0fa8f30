import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createConfirm } from '../../src/ui/confirm.ts';

/** Both ends of a terminal, as far as asking knows one. */
function terminal({ yes = false, signal = new AbortController().signal } = {}) {
  const input = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.ReadStream &
    PassThrough;
  const output = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream &
    PassThrough;
  return { input, output, confirm: createConfirm({ yes, input, output, signal }) };
}

test.each(['y', 'Y', 'yes', ' YES '])('the answer %j goes on', async (answer) => {
  const { input, output, confirm } = terminal();
  input.write(`${answer}\n`);
  await expect(confirm('restore x in place of y')).resolves.toBeUndefined();
  expect(String(output.read())).toMatch(/^restore x in place of y\n.*continue\? \[y\/N\] /);
});

test('what is asked is one line, whatever it names', async () => {
  const { input, output, confirm } = terminal();
  input.write('y\n');
  await confirm('drop x\x1b[2J\ny');
  expect(String(output.read())).toMatch(/^drop x\\x1b\[2J\\x0ay\n/);
});

test.each(['n', '', 'no', 'yess', 'ja'])('the answer %j changes nothing', async (answer) => {
  const { input, confirm } = terminal();
  input.write(`${answer}\n`);
  await expect(confirm('restore')).rejects.toMatchObject({
    exitStatus: 1,
    message: 'restore: the answer was no; nothing was changed',
  });
});

test('--yes asks nobody', async () => {
  const { output, confirm } = terminal({ yes: true });
  await confirm('restore');
  expect(output.read()).toBeNull();
});

test('where nobody can be asked, that is said before the work', () => {
  const { input, output, confirm } = terminal();
  confirm.assertPossible('restore');
  for (const end of [input, output]) {
    end.isTTY = false;
    expect(() => confirm.assertPossible('restore')).toThrow(
      'restore: cannot ask for confirmation without a terminal — give --yes',
    );
    end.isTTY = true;
  }
  const unasked = terminal({ yes: true });
  unasked.input.isTTY = false;
  unasked.confirm.assertPossible('restore');
});

test('a signal ends the question', async () => {
  const stop = new AbortController();
  const { confirm } = terminal({ signal: stop.signal });
  const asked = confirm('restore');
  stop.abort(new Error('stopped'));
  await expect(asked).rejects.toThrow('stopped');
});

test.each<[string, (input: PassThrough) => unknown]>([
  ['where the terminal is closed', (input) => input.end()],
  ['at Ctrl-D', (input) => input.write('\x04')],
])('%s the answer is no', async (_, leave) => {
  const { input, output, confirm } = terminal();
  const asked = confirm('restore');
  leave(input);
  await expect(asked).rejects.toThrow('the answer was no; nothing was changed');
  // What follows begins on a line of its own.
  expect(String(output.read())).toMatch(/\[y\/N\] [^\n]*\n$/);
});

test('Ctrl-C at the question stops the program as the signal does', async () => {
  const { input, confirm } = terminal();
  const asked = confirm('restore');
  input.write('\x03');
  await expect(asked).rejects.toMatchObject({ exitStatus: 130, message: 'stopped: received SIGINT' });
});
