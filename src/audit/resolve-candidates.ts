import { showRelation } from '../postgres/relations.ts';
import { keyOf } from '../s3/key-bytes.ts';
import type { Finding, RowPlace } from './finding.ts';
import type { Candidate } from './join/join-references.ts';
import { type Reference, referenceId } from './rows/references.ts';
import type { RowVersion } from './rows/row-lookup.ts';
import type { MatchedSource } from './sources/match-sources.ts';
import type { Labels } from './sources/row-labels.ts';

/** Looks candidates up. Rows are found by their primary keys; those that do not exist are left out. */
export interface Lookups {
  /** Rows as the audit's snapshot sees them. */
  readonly inSnapshot: RowReader<RowVersion & Labels>;
  /** Rows as they are at this moment. */
  readonly now: RowReader<RowVersion>;
  /** Whether an object with this key exists at this moment. */
  objectExists(key: string): Promise<boolean>;
}

/** Looks up rows of a table; `ids` and the keys of the result are primary keys as text ({@link referenceId}). */
type RowReader<T> = (source: MatchedSource, ids: readonly string[]) => Promise<ReadonlyMap<string, T>>;

const NO_LABELS: Labels = { topography: null, surface: null, owner: null };

/**
 * Turns candidates into findings. Adds the names that people know the rows by, and leaves out rows that were deleted,
 * or whose file was replaced, between the snapshot and the listing, because their objects are rightly gone.
 */
export async function* resolveCandidates(
  candidates: AsyncIterable<readonly Candidate[]>,
  lookups: Lookups,
): AsyncGenerator<readonly Finding[]> {
  for await (const batch of candidates) {
    const missing = batch.filter(isMissing).map(({ reference }) => reference);
    const named = batch.flatMap((candidate) => ('reference' in candidate ? [candidate.reference] : []));
    const before = await lookUp(named, lookups.inSnapshot);
    const after = await lookUp(missing, lookups.now);
    const findings: Finding[] = [];
    for (const candidate of batch) {
      const reference = isMissing(candidate) ? candidate.reference : undefined;
      if (
        reference === undefined ||
        (await isStillMissing(reference, before.get(reference), after.get(reference), lookups))
      ) {
        findings.push(findingOf(candidate, before));
      }
    }
    if (findings.length > 0) yield findings;
  }
}

type Missing = Extract<Candidate, { kind: 'dangling' | 'pending' }>;

function isMissing(candidate: Candidate): candidate is Missing {
  return candidate.kind === 'dangling' || candidate.kind === 'pending';
}

async function isStillMissing(
  reference: Reference,
  before: RowVersion | undefined,
  after: RowVersion | undefined,
  lookups: Lookups,
): Promise<boolean> {
  const verdict = judgeRow(reference, before, after);
  if (verdict !== 'written') return verdict === 'same';
  // The object may have been written in between too. Only if it is missing while the row stays the same is that
  // proof.
  if (await lookups.objectExists(keyOf(reference.key))) return false;
  const latest = await lookups.now(reference.source, [referenceId(reference)]);
  return judgeRow(reference, after, latest.get(referenceId(reference))) === 'same';
}

/**
 * What happened to a row between two reads: it is the same, so it named its key throughout; it was written, but still
 * names the key; or it no longer names the key.
 */
function judgeRow(
  reference: Reference,
  before: RowVersion | undefined,
  after: RowVersion | undefined,
): 'same' | 'written' | 'gone' {
  if (after === undefined || after.key !== keyOf(reference.key)) return 'gone';
  return before?.version === after.version ? 'same' : 'written';
}

async function lookUp<T>(references: readonly Reference[], read: RowReader<T>): Promise<Map<Reference, T>> {
  const found = new Map<Reference, T>();
  for (const source of new Set(references.map((reference) => reference.source))) {
    const ofSource = references.filter((reference) => reference.source === source);
    const rows = await read(source, ofSource.map(referenceId));
    for (const reference of ofSource) {
      const row = rows.get(referenceId(reference));
      if (row !== undefined) found.set(reference, row);
    }
  }
  return found;
}

/** @param rows the labels of the candidates' rows; empty if unknown */
export function findingOf(candidate: Candidate, rows: ReadonlyMap<Reference, Labels>): Finding {
  switch (candidate.kind) {
    case 'dangling':
    case 'pending': {
      const { kind, reference } = candidate;
      const labels = describeLabels(rows.get(reference));
      return { kind, key: keyOf(reference.key), ...describePlace(reference), ...labels };
    }
    case 'shared': {
      const { kind, key, bytes, rows, references } = candidate;
      return { kind, key, bytes, rows, references: references.map(describePlace) };
    }
    case 'empty': {
      const { kind, reference, object } = candidate;
      const { key, lastModified } = object;
      return {
        kind,
        key,
        bytes: 0,
        lastModified: lastModified.toISOString(),
        ...describePlace(reference),
        ...describeLabels(rows.get(reference)),
      };
    }
    case 'orphan': {
      const { key, bytes, lastModified, etag } = candidate.object;
      return { kind: candidate.kind, key, bytes, lastModified: lastModified.toISOString(), etag };
    }
    case 'protected': {
      const { key, bytes, lastModified } = candidate.object;
      const { kind, backups } = candidate;
      return { kind, key, bytes, lastModified: lastModified.toISOString(), backups };
    }
  }
}

function describePlace(reference: Reference): RowPlace {
  const { relation, owned } = reference.source;
  return {
    table: showRelation(relation),
    column: owned.kind === 'key' ? owned.column : '',
    primaryKey: referenceId(reference),
  };
}

function describeLabels(row: Labels | undefined): Labels {
  const { topography, surface, owner } = row ?? NO_LABELS;
  return { topography, surface, owner };
}
