import { renameStatement } from '../postgres/database-statements.ts';
import type { Logger } from '../ui/log.ts';
import type { LeftRows } from './build-scratch.ts';
import type { Fate } from './databases/drop-target.ts';

/** Logs what there is after a restore has failed, and what to do with it. */
export function tellRemains(
  log: Logger,
  names: { readonly target: string; readonly scratch: string },
  {
    old,
    left,
  }: {
    /** What has become of the database that was to be replaced; undefined if there was none. */
    readonly old: Fate | undefined;
    /** What has been restored, if that stays. */
    readonly left: LeftRows | undefined;
  },
): void {
  const lost = old === undefined ? [] : [describeFate(names.target, old)];
  if (left !== undefined) log.error([...lost, describeLeft(names, left)].join('; '));
  else if (old === 'as it was') log.info(describeFate(names.target, old));
  else if (old !== undefined) log.error(`${describeFate(names.target, old)}: restore it again`);
}

function describeFate(name: string, fate: Fate): string {
  switch (fate) {
    case 'as it was':
      return `database ${name} is unchanged`;
    case 'dropped':
      return `database ${name} had already been dropped, as --in-place requires`;
    case 'cut off':
      return `dropping database ${name}, as --in-place requires, was cut off, so it cannot be used any more`;
    case 'not known':
      return `database ${name} may have been dropped, as --in-place requires`;
  }
}

const EXTENT: Readonly<Record<LeftRows['extent'], (scratch: string) => string>> = {
  rows: (scratch) =>
    `what was restored before this failure is in database ${scratch}, without what follows in the dump, such as large objects, indexes and constraints`,
  'all that was taken': (scratch) => `all but what the server refused is in database ${scratch}`,
  'all that is logged': (scratch) =>
    `all of the dump is in database ${scratch}, but for the rows of unlogged tables if the server has crashed`,
  all: (scratch) => `all of the dump is in database ${scratch}`,
};

/** If the same dump would fail again, what there is of it may be all that there will be. */
function describeLeft(
  { target, scratch }: { readonly target: string; readonly scratch: string },
  { extent, missing, mayPass }: LeftRows,
): string {
  const rename = renameStatement(scratch, target);
  const lacks = missing === undefined ? '' : `, and lacks rows: ${missing}`;
  const what = `${EXTENT[extent](scratch)}${lacks}`;
  if (extent === 'all') return `${what} — use it (${rename})`;
  const again = mayPass ? 'restore the same backup again, which may succeed' : 'restore another backup';
  return `${what} — use it (${rename}), or ${again}, and drop it, first if there is no room for both`;
}
