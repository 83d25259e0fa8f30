/**
 * A table whose dump no server takes back: its check calls a function that finds another table by its bare name, and
 * pg_dump empties the search_path.
 */
export const UNRESTORABLE_SCHEMA = `
  CREATE TABLE helper (id int);
  CREATE FUNCTION is_right(int) RETURNS boolean LANGUAGE plpgsql AS
    'BEGIN RETURN NOT EXISTS (SELECT FROM helper WHERE id < $1); END';
  CREATE TABLE checked (id int CHECK (is_right(id)));
  INSERT INTO checked VALUES (1)`;
