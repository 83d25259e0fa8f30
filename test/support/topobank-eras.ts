import { TABLES } from './topobank-schema.ts';

/**
 * The tables of TopoBank that have to do with media, as its migrations leave them in each era: the columns that the
 * audit goes by, and of the others those that tell the eras apart.
 */
const PEOPLE = `
CREATE TABLE users_user (id serial PRIMARY KEY, username varchar(150) NOT NULL UNIQUE);`;

const SURFACE = `
CREATE TABLE manager_surface (
  id serial PRIMARY KEY, name varchar(80) NOT NULL, creator_id integer NOT NULL REFERENCES users_user,
  category text, description text NOT NULL);`;

/** 0.20 and before (2019 to 2022). */
export const ERA_A = `${PEOPLE}${SURFACE}
CREATE TABLE manager_topography (
  id serial PRIMARY KEY, surface_id integer NOT NULL REFERENCES manager_surface, name varchar(80) NOT NULL,
  creator_id integer REFERENCES users_user, measurement_date date NOT NULL, description text NOT NULL,
  datafile varchar(250) NOT NULL, squeezed_datafile varchar(260), thumbnail varchar(100),
  datafile_format varchar(15), data_source integer NOT NULL, size_x double precision NOT NULL, unit text NOT NULL);
CREATE TABLE analysis_analysis (
  id serial PRIMARY KEY, function_id integer NOT NULL, subject_id integer NOT NULL, task_id varchar(155),
  kwargs bytea NOT NULL, start_time timestamptz, end_time timestamptz);
CREATE TABLE publication_publication (
  id serial PRIMARY KEY, short_url varchar(10) UNIQUE, surface_id integer NOT NULL REFERENCES manager_surface,
  publisher_id integer NOT NULL REFERENCES users_user, version integer NOT NULL, datetime timestamptz NOT NULL,
  container varchar(50) NOT NULL);`;

/** 0.91 to 1.8 (2022 to 2024). */
export const ERA_B = `${ERA_A}
ALTER TABLE manager_surface ADD creation_datetime timestamptz, ADD modification_datetime timestamptz;
ALTER TABLE manager_topography ADD short_reliability_cutoff double precision, ADD task_state varchar(7),
  ADD bandwidth_lower double precision, ADD creation_datetime timestamptz, ADD modification_datetime timestamptz;
ALTER TABLE analysis_analysis ADD creation_time timestamptz, ADD dois jsonb;`;

/** Files have moved into manifests, but the columns of era B are still there (migrations 0056 to 0058 of manager). */
export const BETWEEN_B_AND_C = `${ERA_B}
CREATE TABLE files_folder (id bigserial PRIMARY KEY, read_only boolean NOT NULL);
CREATE TABLE files_manifest (
  id bigserial PRIMARY KEY, folder_id bigint REFERENCES files_folder, filename varchar(255) NOT NULL,
  file varchar(512), kind varchar(3) NOT NULL, uploaded_by_id integer REFERENCES users_user,
  upload_finished timestamptz, created timestamptz NOT NULL, updated timestamptz NOT NULL);
ALTER TABLE manager_topography ADD datafile_manifest_id bigint REFERENCES files_manifest,
  ADD squeezed_datafile_manifest_id bigint REFERENCES files_manifest,
  ADD thumbnail_manifest_id bigint REFERENCES files_manifest, ADD deepzoom_id bigint REFERENCES files_folder;
ALTER TABLE analysis_analysis ADD folder_id bigint REFERENCES files_folder;`;

/** 1.50 (August 2024) and later. */
export const ERA_C = TABLES;

/** The renames of the releases of 2025 and 2026. */
export const ERA_C_RENAMED = `${TABLES}
ALTER TABLE files_folder RENAME TO files_manifestset;
ALTER TABLE files_manifest RENAME created TO created_at;
ALTER TABLE files_manifest RENAME updated TO updated_at;
ALTER TABLE files_manifest RENAME uploaded_by_id TO created_by_id;
ALTER TABLE manager_surface RENAME creator_id TO created_by_id;
ALTER TABLE manager_surface RENAME deletion_time TO deleted_at;
ALTER TABLE manager_surface ADD attachments_id bigint;
ALTER TABLE manager_topography RENAME creator_id TO created_by_id;
ALTER TABLE manager_topography RENAME deletion_time TO deleted_at;
ALTER TABLE manager_topography RENAME TO manager_measurement;`;
