import type { Database } from '../../postgres/database.ts';

/** Where the restored database goes. */
export type RestoreTarget =
  /**
   * In place of the target database, which is kept under another name or dropped after the swap. `unasked`: there is
   * nobody to ask, see `keptToDrop`.
   */
  | { readonly kind: 'swap'; readonly dropOld: boolean; readonly unasked?: boolean }
  /** In place of the target database, which is dropped first: for servers without room for two. */
  | { readonly kind: 'in-place' }
  /** Beside it, under a free name; `only` lists the tables whose rows are wanted, if not all. */
  | { readonly kind: 'into'; readonly name: string; readonly only?: readonly string[] };

/** The tables whose rows alone are restored; undefined for all. */
export function onlyTables(target: RestoreTarget): readonly string[] | undefined {
  return target.kind === 'into' ? target.only : undefined;
}

/** The name that the restored database gets. */
export function targetName(target: RestoreTarget, { name }: Pick<Database, 'name'>): string {
  return target.kind === 'into' ? target.name : name;
}
