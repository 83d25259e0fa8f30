import { sniffForm } from './form.ts';

/** Byte order marks; a shell of Windows writes UTF-16 when a dump is redirected into a file. */
const MARKS: readonly [mark: Buffer, found: string][] = [
  [Buffer.from([0xff, 0xfe]), 'it is in UTF-16'],
  [Buffer.from([0xfe, 0xff]), 'it is in UTF-16'],
  [Buffer.from([0xef, 0xbb, 0xbf]), 'it begins with a byte order mark'],
];

/** What the first bytes of a file show it to be instead of a plain dump; undefined where they show nothing. */
export function otherThanPlain(head: Buffer): string | undefined {
  switch (sniffForm(head)) {
    case 'custom':
      return 'it is in pg_dump’s custom format';
    case 'gzip':
      return 'it is compressed with gzip';
    case 'zstd':
      return 'it is compressed with zstd';
    case 'plain':
      return MARKS.find(([mark]) => head.subarray(0, mark.length).equals(mark))?.[1];
  }
}
