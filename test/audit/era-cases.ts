import { BETWEEN_B_AND_C, ERA_A, ERA_B, ERA_C, ERA_C_RENAMED } from '../support/topobank-eras.ts';

const PEOPLE = `
INSERT INTO users_user (id, username) VALUES (1, 'ada');
INSERT INTO manager_surface (id, name, creator_id, category, description) VALUES (1, 'Polished Si', 1, 'exp', '');`;

/** Rows of the columns that eras A and B have in common. */
function topography(id: number, name: string, datafile: string, squeezed: string, thumbnail: string): string {
  return `INSERT INTO manager_topography (id, surface_id, name, creator_id, measurement_date, description,
      datafile, squeezed_datafile, thumbnail, data_source, size_x, unit)
    VALUES (${id}, 1, '${name}', 1, '2020-01-01', '', ${datafile}, ${squeezed}, ${thumbnail}, 0, 1, 'µm');`;
}

function analysis(id: number): string {
  return `INSERT INTO analysis_analysis (id, function_id, subject_id, kwargs) VALUES (${id}, 1, 1, '');`;
}

const PUBLICATION = `INSERT INTO publication_publication VALUES
  (1, 'btpax', 1, 1, 1, '2021-07-01', 'publications/btpax/ce-btpax.zip'), (2, 'abcde', 1, 1, 2, '2021-07-01', '');`;

/** A database of one era, its objects, and what the audit finds. */
export interface EraCase {
  readonly name: string;
  readonly era: string;
  readonly sql: string;
  readonly objects: readonly string[];
  readonly findings: readonly string[];
}

export const CASES: readonly EraCase[] = [
  {
    name: 'era A: three columns, analyses by prefix, containers of publications',
    era: 'A',
    sql: `${ERA_A}${PEOPLE}
      ${topography(1, 'Line scan', `'topographies/user_1/scan.opd'`, 'NULL', `''`)}
      ${topography(2, 'Line scan', `'topographies/user_1/a b+c & 50%.opd'`, `'topographies/user_1/squeezed.nc'`, `'topographies/user_1/thumb.png'`)}
      ${analysis(7)}${PUBLICATION}`,
    objects: [
      'media/topographies/user_1/a b+c & 50%.opd',
      'media/topographies/user_1/squeezed.nc',
      'media/topographies/user_1/scan.opd_left',
      'media/topographies/user_1/thumb.png',
      'media/analyses/7/result.json',
      'media/analyses/7/step-0/series-0.json',
      'media/analyses/71/result.json',
      'media/publications/btpax/ce-btpax.zip',
      'backup/postgres-backup-20200101000000.sql',
    ],
    findings: [
      'orphan media/analyses/71/result.json',
      'dangling media/topographies/user_1/scan.opd of manager_topography.datafile 1',
      'orphan media/topographies/user_1/scan.opd_left',
    ],
  },
  {
    name: 'era B: keys by topography, tiles by prefix, keys of era A stay',
    era: 'B',
    sql: `${ERA_B}${PEOPLE}
      ${topography(5, 'Line scan', `'topographies/5/raw/粗糙表面.opd'`, `'topographies/5/nc/squeezed.nc'`, `'topographies/5/thumbnail/t.jpeg'`)}
      ${topography(6, 'Line scan', `'topographies/user_1/old.opd'`, 'NULL', 'NULL')}
      ${analysis(9)}`,
    objects: [
      'media/topographies/5/raw/粗糙表面.opd',
      'media/topographies/5/thumbnail/t.jpeg',
      'media/topographies/5/dzi/dzi.json',
      'media/topographies/5/dzi/dzi_files/0/0_0.jpg',
      'media/topographies/5/dzi_files/0/0_0.jpg',
      'media/topographies/7/dzi/dzi.json',
      'media/topographies/user_1/old.opd',
      'media/analyses/9/result.json',
    ],
    findings: [
      'orphan media/topographies/5/dzi_files/0/0_0.jpg',
      'dangling media/topographies/5/nc/squeezed.nc of manager_topography.squeezed_datafile 5',
      'orphan media/topographies/7/dzi/dzi.json',
    ],
  },
  {
    name: 'between B and C: the union of both',
    era: 'B+C',
    sql: `${BETWEEN_B_AND_C}${PEOPLE}
      INSERT INTO files_folder VALUES (1, true);
      INSERT INTO files_manifest (id, folder_id, filename, file, kind, uploaded_by_id, created, updated) VALUES
        (1, NULL, 'scan.opd', 'topographies/5/raw/scan.opd', 'raw', 1, '2024-08-01', '2024-08-01'),
        (2, NULL, 'new.opd', 'uploads/2/new.opd', 'raw', 1, '2024-08-01', '2024-08-01'),
        (3, 1, 'dzi.json', 'topographies/5/dzi/dzi.json', 'der', 1, '2024-08-01', '2024-08-01');
      ${topography(5, 'Line scan', `'topographies/5/raw/scan.opd'`, 'NULL', 'NULL')}
      UPDATE manager_topography SET datafile_manifest_id = 1, deepzoom_id = 1;
      ${analysis(9)}${analysis(10)}
      UPDATE analysis_analysis SET folder_id = 1 WHERE id = 10`,
    objects: [
      'media/topographies/5/raw/scan.opd',
      'media/topographies/5/dzi/dzi.json',
      'media/topographies/5/dzi/dzi_files/0/0_0.jpg',
      'media/analyses/9/result.json',
      'media/analyses/10/result.json',
    ],
    findings: [
      'orphan media/analyses/10/result.json',
      'shared media/topographies/5/raw/scan.opd by 2 rows',
      'dangling media/uploads/2/new.opd of files_manifest.file 2',
    ],
  },
  ...(
    [
      [
        'era C',
        ERA_C,
        'files_folder',
        'creator_id',
        'uploaded_by_id',
        'created, updated',
        'manager_topography',
      ],
      [
        'era C with the names of 2026',
        ERA_C_RENAMED,
        'files_manifestset',
        'created_by_id',
        'created_by_id',
        'created_at, updated_at',
        'manager_measurement',
      ],
    ] as const
  ).map(
    ([name, schema, folder, creator, uploader, times, measurement]): EraCase => ({
      name: `${name}: manifests, uploads under way, results without a folder`,
      era: 'C',
      sql: `${schema}
        INSERT INTO users_user VALUES (1, '', NULL, false, 'ada', 'Ada', '', NULL, true, '2019-01-01');
        INSERT INTO manager_surface (id, name, ${creator}, description) VALUES (1, 'Polished Si', 1, '');
        INSERT INTO ${folder} (id, read_only) VALUES (1, true), (2, true);
        INSERT INTO files_manifest (id, folder_id, filename, file, kind, ${uploader}, ${times}, confirmed_at) VALUES
          (1, NULL, 'scan.opd', 'uploads/1/scan.opd', 'raw', 1, '2024-09-01', '2024-09-01', '2024-09-01'),
          (2, NULL, 'scan.nc', 'data-lake/2/scan.nc', 'der', 1, '2024-09-01', '2024-09-01', NULL),
          (3, 1, 'dzi_files/0/0_0.jpg', 'topographies/5/dzi/dzi_files/0/0_0.jpg', 'der', NULL, '2024-09-01', '2024-09-01', NULL),
          (4, NULL, 'on its way.opd', NULL, 'raw', 1, '2024-09-01', '2024-09-01', NULL),
          (5, NULL, '', '', 'der', NULL, '2024-09-01', '2024-09-01', '2024-09-01'),
          (6, 2, 'paper.pdf', 'data-lake/6/paper.pdf', 'att', 1, '2024-09-01', '2024-09-01', '2024-09-01');
        INSERT INTO ${measurement} (id, surface_id, name, ${creator}, description, datafile_id, squeezed_datafile_id,
            deepzoom_id, attachments_id, channel_names, height_scale, fill_undefined_data_mode, is_periodic,
            instrument_parameters, task_state, task_error, ${creator === 'creator_id' ? 'deletion_time' : 'deleted_at'})
          VALUES (5, 1, 'Line scan', 1, '', 1, 2, 1, 2, '[]', 1, '', false, '{}', 'su', '', '2025-01-01');
        INSERT INTO analysis_workflowresult (id, subject_dispatch_id, folder_id, kwargs, dependencies, task_state, task_error)
          VALUES (8, 1, NULL, '{}', '{}', 'su', ''), (9, 1, 1, '{}', '{}', 'su', '')`,
      objects: [
        'media/uploads/1/scan.opd',
        'media/uploads/4/on its way.opd',
        'media/uploads/44/unknown.opd',
        'media/data-lake/2/scan.nc',
        'media/analyses/8/result.json',
        'media/analyses/9/result.json',
      ],
      findings: [
        'orphan media/analyses/9/result.json',
        'dangling media/data-lake/6/paper.pdf of files_manifest.file 6',
        'dangling media/topographies/5/dzi/dzi_files/0/0_0.jpg of files_manifest.file 3',
        'orphan media/uploads/44/unknown.opd',
      ],
    }),
  ),
];
