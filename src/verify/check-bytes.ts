import { isDeepStrictEqual } from 'node:util';
import { compareIndex, holdsSameTables, type IndexFault } from '../catalog/compare-index.ts';
import type { DumpSource } from '../catalog/dump-source.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { type Fault, faultLine, isOfBytes } from '../catalog/verification.ts';
import type { DumpIndex } from '../dump/dump-index.ts';
import type { ScanDump } from '../dump/scanner.ts';
import { DumpError, StoreError } from '../errors.ts';
import { formatContents } from '../ui/format.ts';
import type { StartProgress } from '../ui/progress.ts';
import { compareByPlace } from './compare-by-place.ts';
import { compareCheckpoints } from './compare-checkpoints.ts';
import { compareHeadings } from './compare-headings.ts';
import { checkedOf, type Evidence } from './evidence.ts';
import { faultPlace } from './fault-place.ts';

/** What is needed to read the bytes of a dump. */
export interface ByteTools {
  readonly scanDump: ScanDump;
  readonly startProgress: StartProgress;
}

/**
 * Reads every byte of a dump once and checks it against its manifest: each hash, each table's rows, the structure
 * from pg_dump's header to its closing line. A dump without a manifest is checked only for its own structure. If its
 * bytes turn out to differ, a second reading has to confirm that.
 *
 * @throws StoreError if it cannot be read, or its bytes differ from one reading to the next; or the signal's reason
 */
export async function checkBytes(
  source: DumpSource,
  tools: ByteTools,
  signal: AbortSignal,
): Promise<Evidence> {
  const first = await readOnce(source, tools, 'verify', signal);
  const fault = first.faults.find(({ what }) => isOfBytes(what));
  if (fault === undefined) return first;
  const second = await readOnce(source, tools, 'verify again', signal);
  if (isDeepStrictEqual(second.faults, first.faults)) return second;
  throw alteredOnItsWay(source.name, faultLine(fault));
}

/** @param found what one reading has shown and another has not, in one clause */
export function alteredOnItsWay(name: string, found: string): StoreError {
  return new StoreError({
    doing: `cannot verify ${name}`,
    problem: `its bytes differ from one reading to the next (one of them shows: ${found})`,
    remedy:
      'check proxies between this machine and the S3 server, and the memory of both machines; then verify it again',
  });
}

async function readOnce(
  source: DumpSource,
  tools: ByteTools,
  label: string,
  signal: AbortSignal,
): Promise<Evidence> {
  const { manifest } = source;
  const read = await scan(source, tools, label, signal);
  if (read instanceof DumpError) {
    const faults = [structureFault(read)];
    // The scanner gives up where the structure breaks; the manifest's offsets still show which bytes differ.
    if (manifest !== undefined) faults.push(...(await compareByPlace(manifest, source.read(signal))));
    return { checked: checkedOf(manifest), faults, proved: '', unproved: '' };
  }
  const faults = manifest === undefined ? [] : await compare(manifest, read, source, signal);
  return { checked: checkedOf(read), faults, ...describeProof(read, manifest) };
}

async function compare(
  manifest: Manifest,
  index: DumpIndex,
  source: DumpSource,
  signal: AbortSignal,
): Promise<Fault[]> {
  const faults = compareIndex(manifest, index).map(placed(manifest, index));
  if (holdsSameTables(manifest, index)) {
    return [...faults, ...compareCheckpoints(manifest, index.tables), ...compareHeadings(manifest, index)];
  }
  // A table that was overlooked because of a single wrong byte must not make all those after it look wrong.
  const byPlace = await compareByPlace(manifest, source.read(signal));
  return byPlace.length > 0 ? byPlace : faults;
}

async function scan(
  source: DumpSource,
  { scanDump, startProgress }: ByteTools,
  label: string,
  signal: AbortSignal,
): Promise<DumpIndex | DumpError> {
  const progress = startProgress(label, source.bytes);
  try {
    return await scanDump(source.name, source.read(signal), { onBytes: progress.add });
  } catch (error) {
    if (error instanceof DumpError) return error;
    throw error;
  } finally {
    progress.stop();
  }
}

function structureFault(error: DumpError): Fault {
  return { what: 'structure', where: '', expected: 'a complete dump', found: error.problem };
}

function placed(manifest: Manifest, index: DumpIndex): (fault: IndexFault) => Fault {
  return (fault) => ({ ...fault, where: `${fault.where}${faultPlace(fault, manifest, index)}` });
}

function describeProof(index: DumpIndex, manifest: Manifest | undefined) {
  const size = formatContents(checkedOf(index));
  if (manifest === undefined) {
    return {
      proved: `the dump is complete: ${size}`,
      unproved: 'that these are the bytes that were dumped: there is no manifest to compare them with',
    };
  }
  return {
    proved: `the dump is complete, and every byte and row is as it was dumped: ${size}`,
    unproved: 'that a server accepts it; --restore checks that',
  };
}
