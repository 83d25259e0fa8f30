import { type DumpForm, sniffForm } from './dump-form.ts';

/** What a file is instead of a plain dump, and what to do with it. */
interface OtherForm {
  readonly found: string;
  readonly remedy: string;
}

const inUtf16: OtherForm = {
  found: 'it is in UTF-16, as a Windows shell writes redirected output',
  remedy: 'take the dump with pg_dump --file=, which bypasses the shell',
};

/** zstd is recognized, but not unpacked. */
export const ZSTD: OtherForm = {
  found: 'it is compressed with zstd',
  remedy: 'decompress it with zstd -d and give the .sql',
};

/** Forms that are supported elsewhere, found where plain SQL is expected: inside gzip, or under a wrong name. */
const OUT_OF_PLACE: Record<Exclude<DumpForm, 'plain'>, OtherForm> = {
  gzip: {
    found: 'it is compressed with gzip where plain SQL is expected',
    remedy: 'decompress it with gunzip and give the result',
  },
  zstd: ZSTD,
  custom: {
    found: 'it is in pg_dump’s custom format where plain SQL is expected',
    remedy: 'give it as a .dump, not compressed with gzip',
  },
};

/** Forms that are not read at all. */
const UNREAD: readonly (OtherForm & { readonly head: Buffer })[] = [
  {
    // The first file in the archive.
    head: Buffer.from('toc.dat'),
    found: 'it is in pg_dump’s tar format',
    remedy: 'convert it with pg_restore --file=dump.sql DUMP.tar and give dump.sql',
  },
  {
    head: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]),
    found: 'it is compressed with xz',
    remedy: 'decompress it with xz -d and give the .sql',
  },
  {
    head: Buffer.from('BZh'),
    found: 'it is compressed with bzip2',
    remedy: 'decompress it with bunzip2 and give the .sql',
  },
  { head: Buffer.from([0xff, 0xfe]), ...inUtf16 },
  { head: Buffer.from([0xfe, 0xff]), ...inUtf16 },
  {
    head: Buffer.from([0xef, 0xbb, 0xbf]),
    found: 'it begins with a byte order mark, which pg_dump does not write',
    remedy: 'remove the mark with tail -c +4 and give the rest',
  },
];

/** What the first bytes of a file show it to be instead of a plain dump; undefined if they show nothing. */
export function otherThanPlain(head: Buffer): OtherForm | undefined {
  const form = sniffForm(head);
  if (form !== 'plain') return OUT_OF_PLACE[form];
  return UNREAD.find((other) => head.subarray(0, other.head.length).equals(other.head));
}
