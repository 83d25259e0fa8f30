import { openBlocks } from '../dump/block-reader.ts';
import type { DumpSection, KnownDump } from '../dump/dump-index.ts';
import { provenBytes } from '../dump/proven-bytes.ts';
import { createTokenizer } from '../dump/tokenizer.ts';
import { DumpError } from '../errors.ts';
import { describeFault } from './compare-index.ts';
import type { DumpSource } from './dump-source.ts';

/**
 * The statements of a dump before its first rows, as text; of a dump whose sections are known, nothing else is read.
 *
 * @param known undefined for a dump of which nothing is known
 * @throws DumpError if the section does not match what is known about it, or is none of a dump
 */
export async function* statementsBeforeRows(
  source: DumpSource,
  known: Pick<KnownDump, 'sections'> | undefined,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const section = known?.sections.find(({ name }) => name === 'pre-data');
  const bytes = section === undefined ? source.read(signal) : readSection(source, section, signal);
  const tokenizer = createTokenizer(source.name);
  for await (const chunk of bytes) {
    for (const token of tokenizer.push(chunk)) {
      // A dump without pg_dump's comments has its rows here too; the section's hash leaves those out.
      if (token.type === 'copy-start' || (token.type === 'section' && token.name !== 'pre-data')) return;
      if (token.type === 'statement') yield tokenizer.textSettings.decode(token.sql);
    }
  }
}

async function* readSection(
  source: DumpSource,
  section: DumpSection,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const reader = await openBlocks(source, () => {}, signal);
  const wrong = (found: string) =>
    new DumpError({
      doing: `cannot read the tables of ${source.name}`,
      problem: describeFault({ what: 'section', where: section.name, expected: section.sha256, found }),
      remedy: source.remedyForDamage,
    });
  try {
    const bytes = reader.read(section);
    // Unpacked text may differ each time: pg_restore makes up a new key for `\restrict`.
    yield* reader.ranged ? provenBytes(bytes, section.sha256, wrong) : bytes;
  } finally {
    await reader.close();
  }
}
