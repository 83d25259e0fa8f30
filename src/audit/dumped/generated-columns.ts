import { qualifiedName } from '../../dump/tokens.ts';
import { DumpError } from '../../errors.ts';
import type { Relation } from '../../postgres/relations.ts';
import { namedColumns, type ReferenceSource } from '../sources/reference-sources.ts';
import type { DumpSchema } from './dump-schema.ts';

/**
 * Makes sure that no source names a generated column: its values are not in a dump, and what they name would seem to be
 * owned by nobody.
 *
 * @param relations the tables of the dump as their rows show them
 * @throws DumpError if one does
 */
export function refuseGenerated(
  key: string,
  schema: DumpSchema,
  sources: readonly ReferenceSource[],
  relations: ReadonlyMap<string, readonly Relation[]>,
): void {
  for (const { tables, owned } of sources) {
    for (const relation of tables.flatMap((table) => relations.get(table) ?? [])) {
      const generated = schema.generated(relation);
      const column = namedColumns(owned).find((named) => generated.has(named));
      if (column !== undefined) throw valuesMissing(key, `${qualifiedName(relation)}.${column}`);
    }
  }
}

function valuesMissing(key: string, column: string): DumpError {
  return new DumpError({
    doing: `cannot determine which media the rows of ${key} name`,
    problem: `${column} is a generated column, whose values are not in a dump`,
    remedy:
      'name the columns that it is generated from in AUDIT_REFERENCES, or keep backups with a list of their media (MEDIA_MANIFEST)',
  });
}
