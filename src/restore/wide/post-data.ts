import type { DumpPosition, Statement } from '../../dump/tokens.ts';
import type { LoadOptions } from '../load/load-dump.ts';
import { runAfterRows, tryStatement } from '../load/run-statement.ts';
import type { Take } from '../load/selection.ts';
import type { SessionSettings } from '../load/session-settings.ts';
import { AFTER_ROWS, tellSteps } from '../load/tell-steps.ts';
import { adoptSettings, type Lane, type Lanes, spread } from './lanes.ts';
import { isCommentOn, type TableKnowledge, type TableUse, type TableUses, usesOf } from './post-data-unit.ts';
import { scheduleUnits } from './unit-schedule.ts';

/** How much statement text is held before it is run, in bytes. */
const HELD_BYTES = 16 * 1024 ** 2;

/** What is done with a statement that is not left out. */
type Given = Exclude<Take, 'leave'>;

/** How it is done. */
export const RUNS = { run: runAfterRows, try: tryStatement } as const;

/** Runs the statements that follow the rows: indexes and constraints in parallel, the rest in order. */
export interface PostData {
  add(statement: Statement, take: Given): Promise<void>;
  /** Runs what is still held. */
  finish(): Promise<void>;
}

/** Statements of one entry, with the comment on what they make, to be run in order over one connection. */
interface Unit {
  readonly statements: { readonly sql: Buffer; readonly at: DumpPosition; readonly take: Given }[];
  /** The settings of the dump's session at this point. */
  readonly settings: SessionSettings;
  readonly uses: Map<string, TableUse>;
  /** Bytes of rows of the largest table. */
  bytes: number;
}

/** @param tableBytes bytes of a table's rows in the dump, by its qualified name */
export function createPostData(
  lanes: Lanes,
  knowledge: TableKnowledge & { readonly tableBytes: ReadonlyMap<string, number> },
  context: LoadOptions,
): PostData {
  const steps = tellSteps(AFTER_ROWS, context.onStep);
  let batch: Unit[] = [];
  let held = 0;

  async function runUnit(lane: Lane, { settings, statements }: Unit): Promise<void> {
    await adoptSettings(lane, settings, context);
    for (const { sql, at, take } of statements) await RUNS[take](lane.client, sql, at, context);
  }

  async function runBatch(): Promise<void> {
    if (batch.length === 0) return;
    const { settings } = lanes.text;
    const schedule = scheduleUnits(batch);
    steps.expect(batch.length);
    batch = [];
    held = 0;
    await spread(lanes, schedule.take, async (lane, unit) => {
      await steps.run(unit.statements[0]?.at.entry?.name, () => runUnit(lane, unit));
      schedule.done(unit);
    });
    await adoptSettings(lanes.text, settings, context);
  }

  function hold(unit: Unit, statement: Statement, uses: TableUses, take: Given): void {
    const { sql, ...at } = statement;
    unit.statements.push({ sql: Buffer.from(sql), at, take });
    held += sql.length;
    for (const [table, use] of uses) {
      if (unit.uses.get(table) !== 'alters') unit.uses.set(table, use);
      unit.bytes = Math.max(unit.bytes, knowledge.tableBytes.get(table) ?? 0);
    }
  }

  return {
    async add(statement, take) {
      const last = batch.at(-1);
      const lastEntry = last?.statements.at(-1)?.at.entry;
      if (last !== undefined && isCommentOn(statement.entry, lastEntry)) {
        hold(last, statement, new Map(), take);
        return;
      }
      const uses = usesOf(statement.sql, knowledge);
      if (uses === undefined) {
        await runBatch();
        await steps.run(statement.entry?.name, () =>
          RUNS[take](lanes.text.client, statement.sql, statement, context),
        );
        return;
      }
      const { settings } = lanes.text;
      const goesOn =
        last !== undefined &&
        lastEntry !== undefined &&
        lastEntry === statement.entry &&
        last.settings === settings;
      const unit: Unit = goesOn ? last : { statements: [], settings, uses: new Map(), bytes: 0 };
      if (!goesOn) batch.push(unit);
      hold(unit, statement, uses, take);
      if (held > HELD_BYTES) await runBatch();
    },
    finish: runBatch,
  };
}
