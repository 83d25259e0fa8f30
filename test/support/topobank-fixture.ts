import type pg from 'pg';
import { CONSTRAINTS, TABLES } from './topobank-schema.ts';

/** The slice of a connection that filling needs. */
export type Connection = Pick<pg.ClientBase, 'query'>;

/** Rows of one `scale`. */
const USERS = 400;
const SURFACES = 400;
const TOPOGRAPHIES = 1_500;
const RESULTS = 60_000;
const NOTIFICATIONS = 65_000;
const VIEWS = 65_000;

const APPS: Readonly<Record<string, readonly string[]>> = {
  contenttypes: ['0001_initial', '0002_remove_content_type_name'],
  auth: ['0001_initial', '0011_update_proxy_permissions', '0012_alter_user_first_name_max_length'],
  users: ['0001_initial', '0002_user_orcid', '0013_unique_orcid'],
  sessions: ['0001_initial'],
  notifications: ['0001_initial', '0010_rename_notification'],
  authorization: ['0001_initial', '0002_permissionset'],
  files: ['0001_initial', '0002_manifest_kind', '0005_confirmed_at'],
  manager: ['0001_initial', '0042_deepzoom', '0061_deletion_time', '0066_attachments'],
  analysis: ['0001_initial', '0035_folder', '0044_workflowresult'],
};

/** Names as users give them: what Django leaves in keys, what S3 has to encode, and more than ASCII. */
const NAMES = [
  'Polished Si (100)',
  'Stahl – geschliffen',
  '粗糙表面',
  'NaCl & KCl',
  '50% duty+cycle',
  'É\u0301chantillon №7',
  'tip\\edge',
  "O'Hara",
];

/**
 * Makes TopoBank's tables in an empty database and fills them; the same rows on every call. Scale 1 is about 200,000
 * rows, of which some 4,500 name a media object.
 */
export async function fillTopobank(connection: Connection, { scale = 1 } = {}): Promise<void> {
  const count = (rows: number) => Math.max(1, Math.round(rows * scale));
  const many = { users: count(USERS), surfaces: count(SURFACES), topographies: count(TOPOGRAPHIES) };
  await connection.query('BEGIN');
  // Rows hold local times only through literals; a fixed zone makes these the same everywhere.
  await connection.query("SET LOCAL TimeZone = 'UTC'");
  await connection.query(TABLES);
  await fillDjango(connection);
  await fillUsers(connection, many.users);
  await fillSurfaces(connection, many.surfaces, many.users);
  await fillTopographies(connection, many);
  await fillAnalyses(connection, many, count(RESULTS));
  await fillActivity(connection, many, count(NOTIFICATIONS), count(VIEWS));
  await connection.query(CONSTRAINTS);
  await connection.query('COMMIT');
}

async function fillDjango(connection: Connection): Promise<void> {
  const apps = Object.entries(APPS).flatMap(([app, names]) => names.map((name) => ({ app, name })));
  await connection.query(
    `INSERT INTO django_migrations (app, name, applied)
     SELECT m.app, m.name, timestamptz '2024-08-01 08:00:00.123456' + n * interval '1 minute'
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS m (app, name, n)`,
    [apps.map(({ app }) => app), apps.map(({ name }) => name)],
  );
  await connection.query(`
    INSERT INTO django_content_type (app_label, model)
    SELECT split_part(relname, '_', 1), substr(relname, strpos(relname, '_') + 1)
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname;
    INSERT INTO auth_permission (name, content_type_id, codename)
    SELECT format('Can %s %s', verb, model), id, format('%s_%s', verb, model)
    FROM django_content_type, unnest('{add,change,delete,view}'::text[]) verb ORDER BY id, verb;
    INSERT INTO auth_group (name) VALUES ('all'), ('Kurator*innen');
    INSERT INTO auth_group_permissions (group_id, permission_id)
    SELECT 2, id FROM auth_permission WHERE codename LIKE 'view%' ORDER BY id;
    INSERT INTO django_session
    SELECT md5('session' || g), repeat(md5(g::text), 6), timestamptz '2026-01-01' + g * interval '1 hour'
    FROM generate_series(1, 300) g`);
}

async function fillUsers(connection: Connection, users: number): Promise<void> {
  await connection.query(`
    INSERT INTO users_user (password, last_login, is_superuser, username, name, email, orcid_id, is_active, date_joined)
    SELECT '!' || md5('password' || g), CASE WHEN g % 5 > 0 THEN timestamptz '2026-01-01' + g * interval '37 minutes' END,
      g = 1, 'user' || g, (ARRAY['Ada Lovelace', 'Jörg Müller', '王小明', 'Zoë "Z" O''Neil'])[1 + g % 4],
      'user' || g || '@example.org', CASE WHEN g % 3 > 0 THEN to_char(g, 'FM"0000-0002-1825-"0000') END, g % 50 > 0,
      timestamptz '2019-03-01' + g * interval '5 days'
    FROM generate_series(1, ${users}) g;
    INSERT INTO users_user_groups (user_id, group_id) SELECT id, 1 FROM users_user ORDER BY id`);
}

async function fillSurfaces(connection: Connection, surfaces: number, users: number): Promise<void> {
  await connection.query(`
    INSERT INTO authorization_permissionset SELECT FROM generate_series(1, ${surfaces});
    INSERT INTO authorization_userpermission (parent_id, user_id, allow)
    SELECT p.id, 1 + (p.id * 7 + n) % ${users}, (ARRAY['full', 'edit', 'view'])[n]
    FROM authorization_permissionset p, generate_series(1, 3) n ORDER BY p.id, n;
    INSERT INTO manager_tag (name, path, level, parent_id)
    SELECT 'tag/' || g, 'tag/' || g, 1 + (g > 5)::int, CASE WHEN g > 5 THEN 1 + g % 5 END FROM generate_series(1, 60) g`);
  await connection.query(
    `INSERT INTO manager_surface (name, creator_id, permissions_id, category, description, created, deletion_time)
     SELECT ($1::text[])[1 + g % $2] || ' ' || g, 1 + g * 7 % ${users}, g, (ARRAY['exp', 'sim', 'dum'])[1 + g % 3],
       CASE WHEN g % 4 = 0 THEN '' ELSE E'Measured twice.\\n\\tSecond line; a backslash \\\\ and "quotes".\\r\\n\\\\.\\n' || md5(g::text) END,
       timestamptz '2024-09-01 12:00:00.25' + g * interval '1 hour',
       CASE WHEN g % 40 = 0 THEN timestamptz '2026-02-01' + g * interval '1 minute' END
     FROM generate_series(1, ${surfaces}) g`,
    [NAMES, NAMES.length],
  );
  await connection.query(`
    INSERT INTO manager_surface_tags (surface_id, tag_id)
    SELECT id, 1 + (id + n) % 60 FROM manager_surface, generate_series(1, 2) n ORDER BY id, n`);
}

/** Of each topography: raw data, their NetCDF form, a thumbnail; a few of each oddity that TopoBank knows. */
async function fillTopographies(
  connection: Connection,
  { users, surfaces, topographies }: { users: number; surfaces: number; topographies: number },
): Promise<void> {
  await connection.query(`
    INSERT INTO files_folder (permissions_id, read_only)
    SELECT 1 + g % ${surfaces}, g % 2 = 0 FROM generate_series(1, ${2 * topographies}) g`);
  await connection.query(
    `INSERT INTO files_manifest (permissions_id, folder_id, filename, file, kind, uploaded_by_id, created, updated, confirmed_at)
     SELECT 1 + t % ${surfaces}, NULL, f.filename,
       CASE
         -- An upload under way has a row and no key yet.
         WHEN t % 200 = 0 AND kind = 'raw' THEN NULL
         WHEN t % 201 = 0 AND kind = 'der' THEN ''
         -- Rows from before the manifests keep their keys.
         WHEN t % 10 = 1 THEN format('topographies/user_%s/%s', 1 + t % ${users}, f.filename)
         WHEN t % 10 = 2 THEN format('topographies/%s/%s/%s', t, (ARRAY['raw', 'nc', 'thumbnail'])[n], f.filename)
         ELSE format('%s/%s/%s', CASE kind WHEN 'raw' THEN 'uploads' ELSE 'data-lake' END, (t - 1) * 3 + n, f.filename)
       END,
       kind, 1 + t % ${users}, made, made + interval '3 seconds',
       CASE WHEN t % 200 > 0 OR kind <> 'raw' THEN made + interval '2 seconds' END
     FROM generate_series(1, ${topographies}) t, generate_series(1, 3) n,
       LATERAL (SELECT CASE n WHEN 1 THEN 'raw' ELSE 'der' END AS kind,
         timestamptz '2024-09-01' + t * interval '11 minutes' AS made) k,
       LATERAL (SELECT CASE n
         WHEN 1 THEN replace(($1::text[])[1 + t % $2], '\\', '_') || '_' || t || '.opd'
         WHEN 2 THEN format('squeezed_%s.nc', t) ELSE format('thumbnail_%s.jpeg', t) END AS filename) f
     ORDER BY t, n`,
    [NAMES, NAMES.length],
  );
  await connection.query(
    `INSERT INTO manager_topography (surface_id, name, creator_id, measurement_date, description, datafile_id,
       squeezed_datafile_id, thumbnail_id, deepzoom_id, attachments_id, datafile_format, channel_names, data_source,
       size_x, size_y, unit, height_scale, resolution_x, resolution_y, fill_undefined_data_mode, is_periodic,
       instrument_parameters, bandwidth_lower, task_state, task_memory, task_error, deletion_time)
     SELECT 1 + t % ${surfaces}, ($1::text[])[1 + t % $2] || ' #' || t, 1 + t % ${users}, date '2020-01-01' + t % 2000, '',
       t * 3 - 2, t * 3 - 1, t * 3, t * 2 - 1, CASE WHEN t % 2 = 0 THEN t * 2 END, 'opd',
       '[["Höhe", "µm"], ["Phase", null]]', 0, 1.1 * t, CASE WHEN t % 3 > 0 THEN 1 / (t + 0.5) END, 'µm', 1e-9 * t,
       512, 512, 'do-not-fill', t % 7 = 0,
       jsonb_build_object('resolution', jsonb_build_object('unit', 'nm', 'value', t / 7.0)),
       CASE WHEN t % 11 = 0 THEN 'NaN' ELSE 1e-7 / t END, 'su', 1e8 + t, '',
       CASE WHEN t % 60 = 0 THEN timestamptz '2026-02-01' END
     FROM generate_series(1, ${topographies}) t`,
    [NAMES, NAMES.length],
  );
}

async function fillAnalyses(
  connection: Connection,
  { surfaces, topographies }: { surfaces: number; topographies: number },
  results: number,
): Promise<void> {
  const subjects = surfaces + topographies;
  await connection.query(`
    INSERT INTO analysis_workflow (name, display_name)
    SELECT 'topobank_statistics.' || replace(lower(name), ' ', '_'), name
    FROM unnest('{Height distribution,Slope distribution,Power spectrum,Autocorrelation,Roughness parameters,Contact mechanics}'::text[]) name;
    INSERT INTO analysis_workflowsubject (surface_id, topography_id)
    SELECT id, NULL FROM (SELECT id FROM manager_surface ORDER BY id) s
    UNION ALL SELECT NULL, id FROM (SELECT id FROM manager_topography ORDER BY id) t;
    INSERT INTO analysis_workflowresult (function_id, subject_dispatch_id, folder_id, kwargs, dependencies, task_state,
      task_id, task_start_time, task_end_time, task_error, task_memory, duration, bibliography, deprecated_time)
    SELECT 1 + g % 6, 1 + g % ${subjects}, CASE WHEN g % 10 > 0 THEN 1 + g % ${2 * topographies} END,
      jsonb_build_object('nb_points_per_decade', g % 20, 'window', 'hann', 'reliable', g % 2 = 0),
      jsonb_build_object(md5(g::text), g), CASE WHEN g % 30 = 0 THEN 'fa' ELSE 'su' END, md5('task' || g)::uuid::text,
      start, start + g % 900 * interval '1 second', CASE WHEN g % 30 = 0 THEN E'Traceback:\\n  ValueError: № ' || g ELSE '' END,
      g * 1024::bigint, g % 900 * interval '1 second', CASE WHEN g % 4 > 0 THEN decode(md5(g::text), 'hex') END,
      CASE WHEN g % 25 = 0 THEN start + interval '30 days' END
    FROM generate_series(1, ${results}) g, LATERAL (SELECT timestamptz '2025-01-01' + g * interval '83 seconds' AS start) s`);
}

async function fillActivity(
  connection: Connection,
  { users, surfaces }: { users: number; surfaces: number },
  notifications: number,
  views: number,
): Promise<void> {
  await connection.query(`
    INSERT INTO notifications_notification (level, unread, verb, description, "timestamp", recipient_id,
      actor_content_type_id, actor_object_id, data)
    SELECT 'info', g % 3 = 0, 'share', format('User %s has shared digital surface twin „%s“', g % ${users}, g),
      timestamptz '2025-03-01' + g * interval '47 seconds', 1 + g % ${users}, 1 + g % 10, g::text, NULL
    FROM generate_series(1, ${notifications}) g;
    INSERT INTO usage_stats_view ("date", subject_id, viewer_id, visits, share)
    SELECT date '2024-09-01' + g % 700, 1 + g % ${surfaces}, CASE WHEN g % 2 = 0 THEN 1 + g % ${users} END, g % 13, g / 7.0 % 100
    FROM generate_series(1, ${views}) g`);
}

/**
 * Adds a table `analysis_resultdata` of about `bytes` of dump text: half of it JSON and words, half hex, as results
 * and thumbnails are. May be called in any database, and again for more.
 */
export async function fillBulk(connection: Connection, { bytes }: { bytes: number }): Promise<void> {
  const rowBytes = 2_040;
  await connection.query(`
    CREATE TABLE IF NOT EXISTS analysis_resultdata (
      id bigserial PRIMARY KEY, created timestamptz NOT NULL, label text NOT NULL, payload jsonb NOT NULL, raw bytea NOT NULL);
    -- Compressing on the way in would cost more than all the rest.
    ALTER TABLE analysis_resultdata ALTER label SET STORAGE EXTERNAL, ALTER payload SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL;
    INSERT INTO analysis_resultdata (created, label, payload, raw)
    SELECT timestamptz '2025-01-01' + g * interval '1 second', repeat('surface № ' || g || ' ', 20),
      jsonb_build_object('id', hash, 'series', repeat(hash || ' ', 20)), decode(repeat(hash, 30), 'hex')
    FROM generate_series(1, ${Math.ceil(bytes / rowBytes)}) g, LATERAL (SELECT md5(g::text) AS hash OFFSET 0) h`);
}

/**
 * The object keys under prefix `media/` that rows name, in the order of the rows.
 *
 * @param limit the most that are wanted
 */
export async function listMediaKeys(connection: Connection, limit?: number): Promise<string[]> {
  const { rows } = await connection.query<{ key: string }>(
    `SELECT 'media/' || file AS key FROM files_manifest WHERE file <> '' ORDER BY id LIMIT $1`,
    [limit ?? null],
  );
  return rows.map(({ key }) => key);
}
