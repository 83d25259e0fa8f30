import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { dumpText, entry } from '../support/dump-text.ts';
import { createTestBed, type TestBed } from '../support/test-bed.ts';

let bed: TestBed;

beforeEach(async () => {
  bed = await createTestBed(inject('postgres'));
});
afterEach(() => bed.close());

/** Has each login do something. */
async function onLogin(body: string): Promise<void> {
  await bed.database.query(
    `CREATE FUNCTION logged_in() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$;
     CREATE EVENT TRIGGER watch ON login EXECUTE FUNCTION logged_in();
     ALTER EVENT TRIGGER watch ENABLE ALWAYS`,
  );
}

const RECORDS = 'INSERT INTO public.logins DEFAULT VALUES;';
const REFUSES = (name: string) =>
  `IF current_database() <> '${name}' THEN RAISE 'only in production'; END IF;`;

// Since this version there is the event.
describe.runIf(inject('postgresMajor') >= 17)('event triggers at logins', () => {
  test.each(['that write', 'that refuse the name of a database being filled'])(
    '%s do not fire while a drill or a restore fills one',
    async (what) => {
      await bed.database.query('CREATE TABLE public.logins (at timestamptz DEFAULT now())');
      await onLogin(what === 'that write' ? RECORDS : REFUSES(bed.database.name));
      expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
      for (const jobs of ['1', '2']) {
        const drilled = await bed.run(['verify', '--restore']);
        expect(drilled).toMatchObject({ status: 0 });
        const restored = await bed.run(['restore', '--latest', '--yes', '--no-audit', '--jobs', jobs]);
        expect(restored).toMatchObject({ status: 0 });
      }
      const set = `SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = current_database()`;
      expect(await bed.database.query(set)).toEqual([]);
      const before = await bed.database.query('SELECT FROM public.logins');
      const after = await bed.database.query('SELECT FROM public.logins');
      expect(after.length - before.length).toBe(what === 'that write' ? 1 : 0);
    },
  );

  test('those that there are before the dump’s fire for what it creates', async () => {
    // In place of an extension, which makes its own as it is created.
    const body = `CREATE TABLE public.made (tag text);
${entry('FUNCTION', 'noted()')}CREATE FUNCTION public.noted() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.made VALUES (tg_tag); END $$;
${entry('EXTENSION', 'notes', '-')}CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION public.noted();
${entry('TABLE', 't')}CREATE TABLE public.t (id integer);
`;
    const file = join(bed.directory, 'dump.sql');
    await writeFile(file, dumpText(body));
    const into = `${bed.database.name}_made`;
    for (const jobs of ['1', '2']) {
      expect(await bed.run(['restore', file, '--into', `${into}${jobs}`, '--jobs', jobs])).toMatchObject({
        status: 0,
      });
      const made = await withClient(bed.env, `${into}${jobs}`, (client) =>
        client.query('SELECT tag FROM made'),
      );
      expect(made.rows).toContainEqual({ tag: 'CREATE TABLE' });
    }
  });

  test('what the database itself sets for them is set again', async () => {
    const own = `ALTER DATABASE ${bed.database.name} SET event_triggers = off`;
    await bed.database.query(own);
    expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
    expect(await bed.run(['restore', '--latest', '--yes', '--no-audit'])).toMatchObject({ status: 0 });
    expect(await bed.database.query('SHOW event_triggers')).toEqual([{ event_triggers: 'off' }]);
  });
});

test.each([
  ['write', 'ENABLE'],
  ['raise', 'ENABLE ALWAYS'],
])('event triggers of a dump that %s do not fire for its materialized views (%s)', async (does, how) => {
  await bed.database.query(
    `CREATE TABLE public.logins (at timestamptz DEFAULT now());
       CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN ${does === 'write' ? RECORDS : "RAISE 'not here';"} END $$;
       CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM pg_class;
       CREATE MATERIALIZED VIEW public.twice AS SELECT 2 * count FROM counted;
       CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION noted();
       ALTER EVENT TRIGGER note ${how}`,
  );
  const triggers = () => bed.database.query('SELECT evtname, evtenabled FROM pg_event_trigger');
  const before = await triggers();
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  expect(await bed.run(['verify', '--restore'])).toMatchObject({ status: 0 });
  for (const way of [['--jobs', '1'], ['--jobs', '2'], ['--in-place']]) {
    const restored = await bed.run(['restore', '--latest', '--yes', '--no-audit', ...way]);
    expect(restored).toMatchObject({ status: 0 });
    expect(await bed.database.query('SELECT FROM public.logins')).toEqual([]);
    expect(await triggers()).toEqual(before);
  }
});
