import { compareIndex, describeFault } from '../catalog/compare-index.ts';
import type { DumpIndex } from '../dump/dump-index.ts';
import { scanDump } from '../dump/scanner.ts';
import { DumpError } from '../errors.ts';
import type { StartProgress } from '../ui/progress.ts';
import { refuseForeign } from './refusals.ts';
import type { RestoreSource } from './source.ts';

/** What of a dump has to be known before anything is created, by its manifest or by reading it. */
export type KnownDump = Pick<
  DumpIndex,
  'bytes' | 'sections' | 'tables' | 'roles' | 'ownerRoles' | 'encoding'
>;

/** A manifest tells what a dump consists of; one without is read once. @throws as {@link proveDump} */
export async function knowDump(
  source: RestoreSource,
  startProgress: StartProgress,
  signal: AbortSignal,
): Promise<KnownDump> {
  const { manifest } = source;
  if (manifest === undefined) return proveDump(source, startProgress, signal);
  return { ...manifest, encoding: manifest.encoding ?? undefined };
}

/**
 * Reads the dump once without using it.
 *
 * @throws DumpError when it is not whole or not what its manifest says
 * @throws RestoreError when it holds what is never run
 */
export async function proveDump(
  source: RestoreSource,
  startProgress: StartProgress,
  signal: AbortSignal,
): Promise<KnownDump> {
  const { name, manifest } = source;
  const doing = `cannot restore ${name}`;
  const progress = startProgress('check', source.bytes);
  let index: DumpIndex;
  try {
    index = await scanDump(name, source.read(signal), {
      onBytes: progress.add,
      see: (token) => refuseForeign(token, doing),
    });
  } finally {
    progress.stop();
  }
  const fault = manifest === undefined ? undefined : compareIndex(manifest, index)[0];
  if (fault === undefined) return index;
  throw new DumpError({
    doing,
    problem: `its bytes do not match its manifest: ${describeFault(fault)}`,
    remedy: source.remedyForDamage,
  });
}
