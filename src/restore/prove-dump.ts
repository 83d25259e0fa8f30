import { compareIndex, describeFault } from '../catalog/compare-index.ts';
import type { DumpSource } from '../catalog/dump-source.ts';
import { knownBy } from '../catalog/manifest.ts';
import type { DumpIndex, KnownDump } from '../dump/dump-index.ts';
import { refuseUnrunnable } from '../dump/refusals.ts';
import { scanDump } from '../dump/scanner.ts';
import { DumpError } from '../errors.ts';
import type { StartProgress } from '../ui/progress.ts';

/** What the manifest says of a dump; a dump without one is read once to find out. @throws as {@link proveDump} */
export async function knowDump(
  source: DumpSource,
  startProgress: StartProgress,
  signal: AbortSignal,
): Promise<KnownDump> {
  const { manifest } = source;
  return manifest === undefined ? proveDump(source, startProgress, signal) : knownBy(manifest);
}

/**
 * Reads the dump once without using it.
 *
 * @throws DumpError if it is not complete or not what its manifest says
 * @throws RestoreError if it holds something that is never run
 */
export async function proveDump(
  source: DumpSource,
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
      see: (token) => refuseUnrunnable(token, doing),
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
