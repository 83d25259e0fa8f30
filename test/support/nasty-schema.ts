/**
 * What a dump can hold that looks like the dump's own syntax; letters beyond ASCII are all in LATIN1 too.
 *
 * @param major version of the server
 */
export const nastySchema = (major: number): string => String.raw`
CREATE SCHEMA "Größe; COPY x FROM stdin;";
CREATE TABLE public.plain (id integer PRIMARY KEY, body text);
INSERT INTO public.plain
  SELECT n, E'\\.\nCOPY public.plain (id, body) FROM stdin;\n1\t\\N\n\\.\n;-- Name: x; Type: TABLE; Schema: -; Owner: -\r' || n
  FROM generate_series(1, 200) n;
INSERT INTO public.plain VALUES (0, NULL), (-1, ''), (-2, repeat('wide ', 200000)), (-3, '\'), (-4, '\.');
CREATE TABLE "Größe; COPY x FROM stdin;"."a.b ""c"" (d), 'e' -- $f$" ("FROM stdin;" integer, "x,)(" text);
INSERT INTO "Größe; COPY x FROM stdin;"."a.b ""c"" (d), 'e' -- $f$" VALUES (1, 'ä'), (2, 'ö');
CREATE TABLE public.no_columns ();
INSERT INTO public.no_columns DEFAULT VALUES;
CREATE TABLE public.no_rows (a integer);
CREATE FUNCTION public.begin(n integer) RETURNS integer LANGUAGE sql
  ${body(major, 'SELECT CASE WHEN n > 1 THEN (CASE n WHEN 2 THEN 3 END) ELSE 4 END AS "end"; SELECT n AS begin;')};
CREATE FUNCTION public.quoted() RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  -- it's
  RETURN $_$
COPY public.plain (id, body) FROM stdin;
1	x
\.
-- PostgreSQL database dump complete
$_$;
END;
$body$;
CREATE PROCEDURE public.body(INOUT a integer) LANGUAGE sql ${body(major, 'SELECT public.begin(a) + 1;')};
COMMENT ON FUNCTION public.quoted() IS E'it''s; \\. \n\\.\nCOPY t FROM stdin;\n/* ';
CREATE VIEW public.watched AS SELECT id, E'\\;''\n' AS ";" FROM public.plain WHERE body <> ';';
CREATE RULE twice AS ON INSERT TO public.no_rows DO ALSO
  (INSERT INTO public.plain VALUES (NEW.a + 1000, ';'); DELETE FROM public.plain WHERE id = 5000);
CREATE POLICY "p TO nobody USING (" ON public.plain TO PUBLIC USING (body <> ' TO nobody USING ');
CREATE INDEX "i;" ON public.plain (id) WHERE body <> ';';
SELECT lo_from_bytea(0, decode(repeat('3b0a5c2e0a', 20000), 'hex'));
`;

/** Statements as the body of a routine; as SQL itself since PostgreSQL 14. */
function body(major: number, statements: string): string {
  return major < 14 ? `AS $$${statements}$$` : `BEGIN ATOMIC ${statements} END`;
}
