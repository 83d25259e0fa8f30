import { afterEach, expect, inject, test } from 'vitest';
import { withClient } from '../support/database.ts';
import { type AuditBed, createAuditBed } from './audit-bed.ts';
import { CASES } from './era-cases.ts';

const LIVE = 'media/topographies/user_1/live.opd';
const COPIED = 'media/topographies/user_1/copied.opd';

let bed: AuditBed;

afterEach(() => bed.close());

/** A database whose tables are in `public`, and whose schema `archive` has one of them too, with rows of its own. */
async function createBed(searchPath: string): Promise<void> {
  bed = await createAuditBed(
    inject('postgres'),
    `${CASES[0]!.sql}; CREATE SCHEMA archive;
     CREATE TABLE archive.manager_topography (LIKE public.manager_topography INCLUDING ALL)`,
  );
  const insert = (schema: string, key: string) =>
    bed.database.query(
      `INSERT INTO ${schema}.manager_topography SELECT (jsonb_populate_record(NULL::public.manager_topography,
         to_jsonb(t) || jsonb_build_object('datafile', '${key.slice('media/'.length)}', 'id', 900))).*
       FROM public.manager_topography t LIMIT 1`,
    );
  await insert('public', LIVE);
  await insert('archive', COPIED);
  for (const key of [LIVE, COPIED]) await bed.put(key);
  await bed.database.query(`ALTER DATABASE ${bed.database.name} SET search_path = ${searchPath}`);
}

const PATHS = ['public', 'archive, public', 'nowhere'];

test.each(PATHS)('with the search path %s nothing that a row of either owns is an orphan', async (path) => {
  await createBed(path);
  const { stderr } = await bed.audit(['--grace', '0']);
  expect(stderr).toContain(
    'several schemas have a table of this name, and the rows of each count: manager_topography in archive, public',
  );
  const { era, findings } = await bed.report(['--grace', '0']);
  expect(era).toBe('A');
  for (const key of [LIVE, COPIED]) expect(JSON.stringify(findings)).not.toContain(key);
  await bed.audit(['--grace', '0', '--quarantine', '--yes']);
  expect(await bed.keys()).toEqual(expect.arrayContaining([LIVE, COPIED]));
});

test.each(PATHS)('with the search path %s a backup lists both, and its dump is read alike', async (path) => {
  await createBed(path);
  expect(await bed.run(['backup'])).toMatchObject({ status: 0 });
  await bed.store.remove([LIVE, COPIED], new AbortController().signal);
  const checked = await bed.run(['media', 'check', 'latest', '--json']);
  const { findings } = await bed.report(['--backup', 'latest']);
  for (const key of [LIVE, COPIED]) {
    expect(JSON.parse(checked.stdout)).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ kind: 'missing', key })]),
    });
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'dangling', key }));
  }
});

const REPORTS = '[{"column": "reports.file"}]';

/** Two tables `reports`, of which the second can be read. */
async function createReports(first: string): Promise<void> {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE public.reports (${first}); INSERT INTO public.reports VALUES (1, '"2.pdf"'), (2, '"3.pdf"');
     CREATE SCHEMA archive; CREATE TABLE archive.reports (id int PRIMARY KEY, file text);
     INSERT INTO archive.reports VALUES (1, '1.pdf')`,
  );
  for (const key of ['media/1.pdf', 'media/2.pdf']) await bed.put(key);
}

test.each([
  ['id int, file text', 'table reports has no primary key'],
  ['id int PRIMARY KEY, file json', 'column file of table reports does not hold text'],
  ['id int PRIMARY KEY, path text', 'table reports has no column file'],
])(
  'what rows of a table (%s) own that cannot be read is not moved, though another schema has one that can',
  async (columns, problem) => {
    await createReports(columns);
    const audit = ['--references', REPORTS, '--grace', '0'];
    expect((await bed.audit(audit)).stderr).toContain(
      `some orphans may be owned by rows that cannot be read, so none can be moved to quarantine: ${problem}`,
    );
    expect(await bed.audit([...audit, '--quarantine', '--yes'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`cannot determine which objects no row owns: ${problem} — `),
    });
    expect(await bed.keys()).toEqual(expect.arrayContaining(['media/1.pdf', 'media/2.pdf']));
    const backup = await bed.run(['backup', '--references', REPORTS]);
    expect(backup).toMatchObject({ status: 0 });
    expect(backup.stderr).toContain(
      `the backup’s list of media lacks what rows own that cannot be read: ${problem}`,
    );
  },
);

test('an audit says of which tables the rows cannot be read', async () => {
  await createReports('id int, file text');
  const audit = ['--references', REPORTS, '--grace', '0'];
  const problem = 'table reports has no primary key';
  expect(await bed.report([...audit, '--quiet'])).toMatchObject({ unread: [], unreadTables: [problem] });
  expect((await bed.audit(audit)).stdout).toMatch(
    /1 orphaned .*; not compared with rows that cannot be read\n$/,
  );
});

test('rows that cannot be read are no proof that rows and objects agree, or that a list has all', async () => {
  await createReports('id int, file text');
  await bed.store.remove(['media/2.pdf'], new AbortController().signal);
  const problem = 'table reports has no primary key';
  const references = ['--references', REPORTS];
  expect(await bed.audit([...references, '--grace', '0'])).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(
      new RegExp(`\nwhat could be read agrees, but not all rows that may own objects could: ${problem}\n$`),
    ),
  });
  await bed.run(['backup', ...references]);
  const said: readonly [args: string[], text: string][] = [
    [['show', 'latest'], ' of bucket .*; without those of rows that could not be read\n'],
    [
      ['verify'],
      'not proved: .*; that its list of media names all that its rows own, because some could not be read\n',
    ],
    [
      ['media', 'check', 'latest'],
      'present and unchanged\nthe backup’s list of media lacks those of rows that could',
    ],
    [['media', 'restore', 'latest'], 'the backup’s list of media lacks those of rows that could not be read'],
  ];
  for (const [args, text] of said) {
    expect(await bed.run(args)).toMatchObject({ status: 0, stdout: expect.stringMatching(text) });
  }
});

test('what a table owned that could not be read is protected by the dump', async () => {
  await createReports('id int, file text');
  const audit = ['--references', REPORTS, '--grace', '0'];
  await bed.database.query(`UPDATE public.reports SET file = '2.pdf'`);
  expect(await bed.run(['backup', '--references', REPORTS])).toMatchObject({ status: 0 });
  await bed.database.query('DROP TABLE public.reports');
  const { findings } = await bed.report(audit);
  expect(findings).toEqual([expect.objectContaining({ kind: 'protected', key: 'media/2.pdf' })]);
});

test('nothing is purged while rows of a table cannot be read', async () => {
  await createReports('id int, file text');
  const references = ['--references', REPORTS];
  await bed.database.query('ALTER TABLE public.reports RENAME TO others');
  expect(await bed.audit([...references, '--grace', '0', '--quarantine', '--yes'])).toMatchObject({
    status: 0,
  });
  expect(await bed.keys()).not.toContain('media/2.pdf');
  await bed.database.query('ALTER TABLE others RENAME TO reports');
  const held = await bed.keys();
  expect(await bed.run(['quarantine', 'purge', '--older-than', '0', '--yes', ...references])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('which objects no row owns: table reports has no primary key — '),
  });
  expect(await bed.keys()).toEqual(held);
});

test.each(['', 'SELECT (id) ON archive.reports', 'USAGE ON SCHEMA archive'])(
  'a copy that this role may not read ends no audit, whatever else it may (%s)',
  async (right) => {
    await createReports('id int PRIMARY KEY, file text');
    const role = `reader_${bed.database.name}`;
    await bed.database.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT SELECT ON public.reports TO ${role}; ${right === '' ? '' : `GRANT ${right} TO ${role}`}`,
    );
    try {
      const audited = await bed.audit(['--references', REPORTS, '--grace', '0'], {
        POSTGRES_USER: role,
        POSTGRES_PASSWORD: 'x',
      });
      expect(audited).toMatchObject({
        status: 3,
        stderr: expect.stringContaining('this role may not read table archive.reports'),
      });
    } finally {
      await bed.database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  },
);

test.each([
  ['PARTITION OF public.reports FOR VALUES IN (1)', 'PARTITION BY LIST (id)'],
  ['() INHERITS (public.reports)', ''],
])('rows of a table that is a part of the other (%s) count once', async (part, whole) => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE TABLE public.reports (id int PRIMARY KEY, file text) ${whole};
     CREATE SCHEMA parts; CREATE TABLE parts.reports ${part};
     INSERT INTO parts.reports VALUES (1, '1.pdf')`,
  );
  await bed.put('media/1.pdf');
  const { findings, totals } = await bed.report(['--references', REPORTS, '--grace', '0']);
  expect({ findings, shared: totals.shared?.count }).toEqual({ findings: [], shared: 0 });
});

test('a table of TopoBank that this role may not read ends an audit, whatever has its name elsewhere', async () => {
  const table = 'CREATE TABLE other.manager_topography (id int PRIMARY KEY, label text)';
  bed = await createAuditBed(inject('postgres'), `${CASES[1]!.sql}; CREATE SCHEMA other; ${table}`);
  const role = `reader_${bed.database.name}`;
  await bed.database.query(
    `CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA other TO ${role};
     GRANT SELECT ON ALL TABLES IN SCHEMA other, public TO ${role};
     REVOKE SELECT ON public.manager_topography FROM ${role}`,
  );
  await bed.put('media/topographies/5/raw/x.opd');
  try {
    const env = { POSTGRES_USER: role, POSTGRES_PASSWORD: 'x' };
    for (const more of [[], ['--quarantine', '--yes']]) {
      expect(await bed.audit(['--grace', '0', ...more], env)).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/this role may not read table manager_topography — GRANT SELECT ON /),
      });
    }
    expect(await bed.keys()).toContain('media/topographies/5/raw/x.opd');
  } finally {
    await bed.database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test('a table that inherits from one of its name, and has columns of its own, counts', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE SCHEMA base; CREATE TABLE base.reports (id int PRIMARY KEY, file text);
     CREATE TABLE public.reports (path text, PRIMARY KEY (id)) INHERITS (base.reports);
     INSERT INTO public.reports VALUES (1, '1.pdf', '2.pdf')`,
  );
  for (const key of ['media/1.pdf', 'media/2.pdf']) await bed.put(key);
  const references = '[{"column": "public.reports.path"}, {"column": "reports.file"}]';
  const { findings } = await bed.report(['--references', references, '--grace', '0']);
  expect(findings.filter(({ kind }) => kind === 'orphan')).toEqual([]);
});

// Since this version a partition can be detached without a lock on the whole.
test.runIf(inject('postgresMajor') >= 14)(
  'rows of a partition count whose detaching was broken off',
  async () => {
    bed = await createAuditBed(
      inject('postgres'),
      `CREATE TABLE public.reports (id int PRIMARY KEY, file text) PARTITION BY LIST (id);
       CREATE SCHEMA parts; CREATE TABLE parts.reports PARTITION OF public.reports FOR VALUES IN (1);
       INSERT INTO public.reports VALUES (1, '1.pdf')`,
    );
    await bed.put('media/1.pdf');
    await withClient(bed.env, bed.database.name, async (reading) => {
      await reading.query('BEGIN; SELECT FROM public.reports');
      const detaching = bed.database
        .query('ALTER TABLE public.reports DETACH PARTITION parts.reports CONCURRENTLY')
        .catch((error: Error) => error.message);
      const pending = 'SELECT FROM pg_inherits WHERE inhdetachpending';
      await expect.poll(() => bed.database.query(pending), { timeout: 60_000 }).toHaveLength(1);
      await bed.database.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE%CONCURRENTLY'`,
      );
      expect(await detaching).toMatch(/canceling statement/);
    });
    const { findings } = await bed.report(['--references', REPORTS, '--grace', '0']);
    expect(findings).toEqual([]);
  },
);

test.each([
  ['CREATE VIEW public.reports AS SELECT * FROM app.reports_2', 'reports is a view'],
  ['CREATE MATERIALIZED VIEW public.reports AS SELECT * FROM app.reports_2', 'reports is a view'],
])('what has the name of a table without being one (%s) ends an audit', async (sql, problem) => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE SCHEMA app; CREATE TABLE app.reports_2 (id int PRIMARY KEY, file text); ${sql}`,
  );
  expect(await bed.audit(['--references', REPORTS])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining(`cannot use AUDIT_REFERENCES (--references): ${problem} — `),
  });
});

test.each([
  ['a view', 'CREATE VIEW public.files_manifest AS SELECT * FROM app.manifests'],
  ['a view', 'CREATE MATERIALIZED VIEW public.files_manifest AS SELECT * FROM app.manifests'],
  [
    'a foreign table',
    `CREATE FOREIGN DATA WRAPPER none; CREATE SERVER far FOREIGN DATA WRAPPER none;
     CREATE FOREIGN TABLE public.files_manifest (id bigint, file text) SERVER far`,
  ],
])('%s stands for no table of its name that it does not read (%s)', async (kind, sql) => {
  const table = '(id bigint PRIMARY KEY, file varchar(512), created timestamptz)';
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE SCHEMA app; CREATE TABLE app.manifests ${table}; INSERT INTO app.manifests VALUES (1, 'f/1');
     CREATE SCHEMA archive; CREATE TABLE archive.files_manifest ${table};
     INSERT INTO archive.files_manifest VALUES (2, 'f/2'); ${sql}`,
  );
  await bed.put('media/f/1');
  await bed.put('media/f/2');
  expect((await bed.report(['--grace', '0'])).unreadTables).toEqual([`files_manifest is ${kind}`]);
  expect(await bed.audit(['--grace', '0', '--quarantine', '--yes'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining(`files_manifest is ${kind} — `),
  });
  expect(await bed.keys()).toEqual(['media/f/1', 'media/f/2']);
});

test('a domain of a domain of text holds text', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `CREATE DOMAIN file_path AS varchar(512); CREATE DOMAIN short_path AS file_path CHECK (length(value) < 100);
     CREATE TABLE files_manifest (id bigint PRIMARY KEY, file short_path); INSERT INTO files_manifest VALUES (1, 'f/1')`,
  );
  await bed.put('media/f/1');
  expect(await bed.report(['--grace', '0'])).toMatchObject({ era: 'C', findings: [] });
});

test('a view ends no audit where its schema has the table under another name', async () => {
  const view = 'analysis_workflowresult AS SELECT 1 AS id, 1 AS folder_id';
  bed = await createAuditBed(inject('postgres'), `${CASES[2]!.sql}; CREATE VIEW public.${view}`);
  expect((await bed.report(['--grace', '0'])).unreadTables).toEqual([]);
  expect(await bed.run(['backup'])).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('recorded the backup’s media'),
  });
});

test('while a view stands where a table of TopoBank would, nothing is moved', async () => {
  await createReports('id int PRIMARY KEY, file text');
  await bed.database.query(`CREATE VIEW public.files_manifest AS SELECT 1 AS id, 'f'::text AS file`);
  const audit = ['--references', REPORTS, '--grace', '0'];
  expect((await bed.report(audit)).unreadTables).toEqual(['files_manifest is a view']);
  expect(await bed.audit([...audit, '--quarantine', '--yes'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('which objects no row owns: files_manifest is a view — '),
  });
  expect(await bed.run(['backup', '--references', REPORTS])).toMatchObject({ status: 0 });
});

test('a view of TopoBank’s name ends an audit, but not beside the table', async () => {
  bed = await createAuditBed(
    inject('postgres'),
    `${CASES[2]!.sql}; CREATE SCHEMA reporting;
     CREATE VIEW reporting.files_manifest AS SELECT * FROM public.files_manifest`,
  );
  expect((await bed.report(['--grace', '0'])).unreadTables).toEqual([]);
  await bed.database.query('ALTER TABLE public.files_manifest RENAME TO manifests');
  expect(await bed.audit(['--grace', '0', '--quarantine', '--yes'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('which rows own which objects: reporting.files_manifest is a view — '),
  });
});
