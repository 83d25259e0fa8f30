import { createHash, type Hash } from 'node:crypto';
import { type Checkpointer, createCheckpointer } from './checkpoints.ts';
import type { DumpIndex, DumpSection, DumpTable, SectionName } from './dump-index.ts';
import { isOwnership, rolesOf } from './ownership.ts';
import type { StatementsAs } from './statement-reader.ts';
import { createTokenizer } from './tokenizer.ts';
import type { CopyTarget, DumpToken } from './tokens.ts';

/** Reads a plain dump once, in chunks of any size, and reports what it consists of. */
interface Scanner {
  /**
   * The tokens that this chunk completes. Must be iterated to the end before the next call.
   *
   * @throws DumpError if the bytes cannot be a plain dump
   */
  push(chunk: Buffer): Generator<DumpToken, void>;
  /**
   * The tokens of what is left.
   *
   * @throws DumpError if the dump ends early
   */
  end(): Generator<DumpToken, void>;
  /**
   * Takes the rows of a COPY block as another pass has found them; they are not pushed. The first row must be what
   * comes next.
   *
   * @throws DumpError if there is no such block here
   */
  leaveOut(table: DumpTable): void;
  /** The version of the server that was dumped, once the comment that names it has been read. */
  serverVersion(): string | undefined;
  /** The dump's index, after {@link end}. */
  finish(): DumpIndex;
}

/**
 * @param name what the dump is called in errors: `backup/x.sql`, `./dump.sql`
 * @param statementsAs `whole` if the statements are to be run
 */
export function createScanner(name: string, statementsAs: StatementsAs = 'heads'): Scanner {
  const tokenizer = createTokenizer(name, statementsAs);
  const sections: DumpSection[] = [];
  const tables: DumpTable[] = [];
  const roles = new Set<string>();
  const otherRoles = new Set<string>();
  let bytes = 0;
  let section: { name: SectionName; offset: number; hash: Hash } = {
    name: 'pre-data',
    offset: 0,
    hash: createHash('sha256'),
  };
  let table: { target: CopyTarget; offset: number; hash: Hash; checkpointer: Checkpointer } | undefined;
  /** The block that is being read, if its rows are left out. */
  let leftOut: DumpTable | undefined;

  function closeSection(end: number): void {
    const { name, offset, hash } = section;
    sections.push({ name, offset, bytes: end - offset, sha256: hash.digest('hex') });
  }

  function note(token: DumpToken): void {
    switch (token.type) {
      case 'text':
        section.hash.update(token.data);
        break;
      case 'section':
        closeSection(token.offset);
        section = { name: token.name, offset: token.offset, hash: createHash('sha256') };
        break;
      case 'copy-start':
        table = {
          target: token,
          offset: token.offset,
          hash: createHash('sha256'),
          checkpointer: createCheckpointer(token.offset),
        };
        break;
      case 'copy-rows':
        table?.hash.update(token.data);
        table?.checkpointer.add(token.data, token.lines);
        break;
      case 'copy-end':
        if (leftOut !== undefined) tables.push(leftOut);
        else if (table !== undefined) {
          const { schema, name, columns } = table.target;
          const sha256 = table.hash.digest('hex');
          tables.push({
            schema,
            name,
            columns,
            rows: token.rows,
            offset: table.offset,
            bytes: token.bytes,
            sha256,
            checkpoints: table.checkpointer.finish(),
          });
        }
        table = undefined;
        leftOut = undefined;
        break;
      case 'statement': {
        for (const role of rolesOf(token.sql, tokenizer.textSettings.decode)) {
          roles.add(role);
          if (!isOwnership(token.sql)) otherRoles.add(role);
        }
        break;
      }
      case 'backslash':
        break;
    }
  }

  function* noted(tokens: Generator<DumpToken, void>): Generator<DumpToken, void> {
    for (const token of tokens) {
      note(token);
      yield token;
    }
  }

  return {
    *push(chunk) {
      bytes += chunk.length;
      yield* noted(tokenizer.push(chunk));
    },
    *end() {
      yield* noted(tokenizer.end());
      closeSection(bytes);
    },
    leaveOut(known) {
      tokenizer.leaveOut(known);
      bytes += known.bytes;
      leftOut = known;
    },
    serverVersion: () => tokenizer.comments.serverVersion,
    finish: () => ({
      bytes,
      sections: allSections(sections, bytes),
      tables,
      roles: [...roles].sort(),
      ownerRoles: [...roles].filter((role) => !otherRoles.has(role)).sort(),
      serverVersion: tokenizer.comments.serverVersion,
      pgDumpVersion: tokenizer.comments.pgDumpVersion,
      encoding: tokenizer.textSettings.encoding,
    }),
  };
}

/** Iterates over tokens only for their effect on the scanner's index. */
export function drain(tokens: Iterator<DumpToken, void>): void {
  while (tokens.next().done !== true);
}

/**
 * Reads a dump to its end, only for its index. Nothing else may use its chunks.
 *
 * @param name what the dump is called in errors
 * @throws DumpError if it is not a complete dump
 */
export type ScanDump = (
  name: string,
  dump: AsyncIterable<Buffer>,
  options: { readonly onBytes: (bytes: number) => void },
) => Promise<DumpIndex>;

/**
 * A {@link ScanDump} that shows what it reads.
 *
 * @param see called for each token; an error it throws ends the reading
 */
export async function scanDump(
  name: string,
  dump: AsyncIterable<Buffer>,
  {
    onBytes,
    see = () => {},
  }: { readonly onBytes: (bytes: number) => void; readonly see?: (token: DumpToken) => void },
): Promise<DumpIndex> {
  const scanner = createScanner(name);
  for await (const chunk of dump) {
    for (const token of scanner.push(chunk)) see(token);
    onBytes(chunk.length);
  }
  for (const token of scanner.end()) see(token);
  return scanner.finish();
}

const EMPTY_SHA256 = createHash('sha256').digest('hex');

/** A dump without data has no entry that opens the section; the section is listed with 0 bytes all the same. */
function allSections(found: readonly DumpSection[], end: number): DumpSection[] {
  const names: readonly SectionName[] = ['pre-data', 'data', 'post-data'];
  let offset = end;
  const all: DumpSection[] = [];
  for (const name of [...names].reverse()) {
    const section = found.find((known) => known.name === name);
    all.unshift(section ?? { name, offset, bytes: 0, sha256: EMPTY_SHA256 });
    offset = section?.offset ?? offset;
  }
  return all;
}
