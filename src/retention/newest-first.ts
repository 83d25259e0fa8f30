import type { Backup } from '../catalog/backup.ts';

const RANK = { complete: 0, foreign: 1, broken: 2 } as const;

/** Newest first; for equal times the complete one first, then by key, so that the order is always the same. */
export function newestFirst<B extends Backup>(backups: readonly B[]): B[] {
  const rank = ({ state, dump }: Backup) => `${RANK[state]} ${dump?.key ?? ''}`;
  return backups.toSorted((a, b) => {
    if (a.id !== b.id) return a.id < b.id ? 1 : -1;
    return rank(a) < rank(b) ? -1 : 1;
  });
}
