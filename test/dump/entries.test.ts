import { expect, test } from 'vitest';
import { parseCommentLine } from '../../src/dump/comment-line.ts';
import type { SectionName } from '../../src/dump/dump-index.ts';
import { sectionOf } from '../../src/dump/sections.ts';

const entry = (name: string, type: string, schema = 'public', owner = '-') => ({
  kind: 'entry',
  entry: { name, type, schema, owner },
});

test.each([
  ['-- PostgreSQL database dump', { kind: 'header' }],
  ['-- PostgreSQL database cluster dump', { kind: 'cluster-header' }],
  ['-- PostgreSQL database dump complete', { kind: 'complete' }],
  ['-- Dumped from database version 15.18 (Debian)', { kind: 'server-version', version: '15.18 (Debian)' }],
  ['-- Dumped by pg_dump version 17.5', { kind: 'pg-dump-version', version: '17.5' }],
  ['-- Name: t; Type: TABLE; Schema: public; Owner: me', entry('t', 'TABLE', 'public', 'me')],
  ['-- Name: t; Type: TABLE; Schema: public; Owner: me; Tablespace: x', entry('t', 'TABLE', 'public', 'me')],
  ['-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: -', entry('t', 'TABLE DATA')],
  [
    '-- Statistics for Name: t; Type: STATISTICS DATA; Schema: public; Owner: -',
    entry('t', 'STATISTICS DATA'),
  ],
  ['-- Name: plpgsql; Type: EXTENSION; Schema: -; Owner: ', entry('plpgsql', 'EXTENSION', '-', '')],
  [
    '-- Name: 42553..51046; Type: BLOB METADATA; Schema: -; Owner: a',
    entry('42553..51046', 'BLOB METADATA', '-', 'a'),
  ],
  ['-- Name: a; Type: b; Type: TABLE; Schema: public; Owner: -', entry('a; Type: b', 'TABLE')],
  [
    '-- Name: f(integer, text); Type: FUNCTION; Schema: public; Owner: -',
    entry('f(integer, text)', 'FUNCTION'),
  ],
  ['-- TOC entry 215 (class 1259 OID 16385)', { kind: 'other' }],
  ['--', { kind: 'other' }],
  ['-- load via partition root public.t', { kind: 'other' }],
])('%s', (line, told) => {
  expect(parseCommentLine(line)).toEqual(told);
});

/** Entries in the order of pg_dump, each with the section that it stands in. */
const DUMPS: readonly [
  about: string,
  entries: readonly [name: string, type: string, section: SectionName][],
][] = [
  [
    'PostgreSQL 15, whose large objects are made before the data',
    [
      ['plpgsql', 'EXTENSION', 'pre-data'],
      ['EXTENSION citext', 'COMMENT', 'pre-data'],
      ['t', 'TABLE', 'pre-data'],
      ['t_id_seq', 'SEQUENCE OWNED BY', 'pre-data'],
      ['16395', 'BLOB', 'pre-data'],
      ['LARGE OBJECT 16395', 'COMMENT', 'pre-data'],
      ['t', 'TABLE DATA', 'data'],
      ['t_id_seq', 'SEQUENCE SET', 'data'],
      ['BLOBS', 'BLOBS', 'data'],
      ['t t_pkey', 'CONSTRAINT', 'post-data'],
      ['TABLE t', 'ACL', 'post-data'],
      ['m', 'MATERIALIZED VIEW DATA', 'post-data'],
    ],
  ],
  [
    'PostgreSQL 17 and 18, whose large objects and statistics are data',
    [
      ['t', 'TABLE', 'pre-data'],
      ['t', 'TABLE DATA', 'data'],
      ['16525', 'BLOB METADATA', 'data'],
      ['LARGE OBJECT 16525', 'COMMENT', 'data'],
      ['16526..16529', 'BLOB METADATA', 'data'],
      ['16525', 'BLOBS', 'data'],
      ['t', 'STATISTICS DATA', 'data'],
      ['t_a', 'INDEX', 'post-data'],
      ['t_a', 'STATISTICS DATA', 'post-data'],
      ['LARGE OBJECT 16525', 'ACL', 'post-data'],
    ],
  ],
  [
    'a dump without data',
    [
      ['t', 'TABLE', 'pre-data'],
      ['t t_pkey', 'CONSTRAINT', 'post-data'],
      ['CONSTRAINT t_pkey ON t', 'COMMENT', 'post-data'],
      ['DEFAULT PRIVILEGES FOR TABLES', 'DEFAULT ACL', 'post-data'],
    ],
  ],
];

test.each(DUMPS)('sections: %s', (_about, entries) => {
  let current: SectionName = 'pre-data';
  for (const [name, type, section] of entries) {
    current = sectionOf({ name, type, schema: 'public', owner: '' }, current);
    expect([name, type, current]).toEqual([name, type, section]);
  }
});
