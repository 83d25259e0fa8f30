import { afterEach, expect, inject, test } from 'vitest';
import { type AuditBed, createAuditBed } from './audit-bed.ts';

let bed: AuditBed;

afterEach(() => bed.close());

const AUDIT = ['--references', '[{"column": "reports.file"}]', '--grace', '0'];
const REPORTS = `CREATE TABLE public.reports (id int PRIMARY KEY, file text, creator_id int);
  INSERT INTO public.reports VALUES (1, 'gone.pdf', 1);`;
const NO_LABELS = { topography: null, surface: null, owner: null };

test('a table of another schema is not asked for labels: it may be about something else', async () => {
  const users = 'CREATE TABLE sso.users_user (id uuid PRIMARY KEY, username text)';
  bed = await createAuditBed(inject('postgres'), `${REPORTS} CREATE SCHEMA sso; ${users}`);
  const { findings } = await bed.report(AUDIT);
  expect(findings).toEqual([expect.objectContaining({ kind: 'dangling', ...NO_LABELS })]);
});

test.each([
  ['SELECT (id, username) ON public.users_user', 'ada'],
  ['SELECT (id) ON public.users_user', null],
  ['USAGE ON SCHEMA public', null],
])('with %s granted the owner of a row is called %s', async (right, owner) => {
  const users = `CREATE TABLE public.users_user (id int PRIMARY KEY, username text, password text);
    INSERT INTO public.users_user VALUES (1, 'ada', 'x')`;
  bed = await createAuditBed(inject('postgres'), `${REPORTS} ${users}`);
  const role = `reader_${bed.database.name}`;
  await bed.database.query(
    `CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT SELECT ON public.reports TO ${role}; GRANT ${right} TO ${role}`,
  );
  try {
    const { findings } = await bed.report(AUDIT, { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' });
    expect(findings).toEqual([expect.objectContaining({ kind: 'dangling', ...NO_LABELS, owner })]);
  } finally {
    await bed.database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});
