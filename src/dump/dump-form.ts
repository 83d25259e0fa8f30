/** The form of a dump, identified by its first bytes. */
export type DumpForm = 'plain' | 'gzip' | 'zstd' | 'custom';

/** This many bytes identify the form, even an unsupported one (`otherThanPlain`). */
export const FORM_BYTES = 7;

const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** @param head the first bytes: at least {@link FORM_BYTES}, or all if there are fewer */
export function sniffForm(head: Buffer): DumpForm {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.subarray(0, 4).equals(ZSTD_MAGIC)) return 'zstd';
  if (head.toString('latin1', 0, 5) === 'PGDMP') return 'custom';
  return 'plain';
}
