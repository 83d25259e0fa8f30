import { describeCause } from '../../postgres/errors.ts';
import { endsSession } from '../../postgres/server-away.ts';
import { settleSession } from '../../postgres/settle-session.ts';
import { runAsMade, tellable } from '../../postgres/untellable-names.ts';
import type { Logger } from '../../ui/log.ts';
import { tellSteps } from '../load/tell-steps.ts';
import { type Lanes, spread } from './lanes.ts';

interface Analyzed {
  readonly oid: number;
  /** Quoted for SQL, see {@link tellable}. */
  readonly name: string | null;
  /** Whether it is one of the server's own, which people need not be told of. */
  readonly ofServer: boolean;
}

/** The first OID that no object has that initdb makes (PostgreSQL's `access/transam.h`, FirstNormalObjectId). */
const FIRST_OTHER_OID = 16_384;

/**
 * The tables to analyze, the largest first; ANALYZE of a partitioned table includes its partitions. A table with
 * foreign tables among its partitions or descendants is left out, because ANALYZE would query their servers; its
 * partitions are analyzed one by one.
 */
const TABLES = `
  WITH RECURSIVE reaching (oid) AS (
    SELECT i.inhparent FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE c.relkind = 'f'
    UNION SELECT i.inhparent FROM pg_inherits AS i JOIN reaching AS r ON r.oid = i.inhrelid
  )
  SELECT c.oid, ${tellable("format('%I.%I', n.nspname, c.relname)")} AS name, c.oid < ${FIRST_OTHER_OID} AS "ofServer"
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relisshared AND c.oid NOT IN (SELECT oid FROM reaching)
    AND (NOT c.relispartition
      OR EXISTS (SELECT FROM pg_inherits AS i JOIN reaching AS r ON r.oid = i.inhparent WHERE i.inhrelid = c.oid))
  ORDER BY c.relkind = 'p' DESC, c.relpages DESC, c.oid`;

/**
 * Gathers the planner's statistics of every table. A table without them is restored all the same, so a failure, for
 * example of an expression of CREATE STATISTICS, is only reported.
 */
export async function analyzeTables(
  lanes: Lanes,
  log: Logger,
  onStep: (step: string) => void,
): Promise<void> {
  for (const { client } of lanes.all) {
    // The dump has changed the session's encoding, search_path and more.
    await client.query('RESET ALL');
    await settleSession(client);
  }
  const { rows } = await lanes.text.client.query<Analyzed>(TABLES);
  // Functions in expressions that statistics are gathered of may name what they use without its schema.
  for (const { client } of lanes.all) await client.query('RESET search_path');
  const steps = tellSteps('planner statistics', onStep);
  steps.expect(rows.filter(({ ofServer }) => !ofServer).length);
  await spread(
    lanes,
    () => rows.shift(),
    ({ client }, { oid, name, ofServer }) => {
      const analyze = async () => {
        try {
          await client.query(name === null ? analyzingUnnamed(oid) : `ANALYZE ${name}`);
        } catch (error) {
          if (endsSession(error)) throw error;
          const table = name === null ? `the table with OID ${oid}` : `table ${name}`;
          log.warn(`no planner statistics for ${table}: ${describeCause(error)}`);
        }
      };
      return ofServer ? analyze() : steps.run(name ?? undefined, analyze);
    },
  );
}

/**
 * For a table that cannot be named; a partitioned table is analyzed with all of its partitions in one transaction.
 */
function analyzingUnnamed(oid: number): string {
  return runAsMade(
    `SELECT format('ANALYZE %I.%I', n.nspname, c.relname)
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = ${oid}`,
  );
}
