import { abandonUpload, beginUpload } from '../s3/begin-upload.ts';
import type { Store, Upload } from '../s3/store.ts';
import type { DoctorFinding } from './check.ts';

/** How long removing the probe objects may take, in milliseconds. */
const CLEAN_UP_MS = 10_000;

/** What a probe object contains. */
export const PROBE = Buffer.from('topobank-backup doctor: this object may be deleted\n');

/** The keys of the probes. */
export interface ProbeKeys {
  readonly object: string;
  readonly parts: string;
}

/** Writes a probe. @returns false if there is an object already */
export function putProbe(store: Store, key: string, signal: AbortSignal, body = PROBE): Promise<boolean> {
  return store.put(key, body, { ifAbsent: true, contentType: 'text/plain', signal });
}

/** Begins an upload, and removes it if `work` fails. */
export async function withUpload<T>(
  store: Store,
  key: string,
  signal: AbortSignal,
  work: (upload: Upload) => Promise<T>,
): Promise<T> {
  const upload = await beginUpload(store, key, { contentType: 'text/plain', signal });
  try {
    return await work(upload);
  } catch (error) {
    await abandonUpload(store, upload);
    throw error;
  }
}

/** What may be left of the probes, by the check that should have removed it. */
export interface ProbesLeft {
  readonly 's3: delete': readonly string[];
  readonly 's3: multipart': readonly string[];
}

/** Removes the probes and looks for what is left of them. Never throws. */
export async function removeProbes(store: Store, { object, parts }: ProbeKeys): Promise<ProbesLeft> {
  const removed = await store.remove([object, parts], AbortSignal.timeout(CLEAN_UP_MS)).then(
    () => true,
    () => false,
  );
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  const objects: string[] = [];
  for (const key of [object, parts]) {
    const isThere = store.head(key, signal).then((info) => info !== undefined);
    // A probe that was not removed and cannot be looked up may still be there.
    if (await isThere.catch(() => !removed)) objects.push(key);
  }
  const uploads: string[] = [];
  try {
    for await (const { key, uploadId } of store.listUploads(parts, signal))
      uploads.push(`upload ${uploadId} of ${key}`);
  } catch {
    // Another check reports that uploads cannot be listed.
  }
  return { 's3: delete': objects, 's3: multipart': uploads };
}

/**
 * Names the whole prefix instead of the probe, because rights are needed for all of it. A probe that may be left is
 * named.
 */
export function describeFor(
  prefix: string,
  { object, parts }: ProbeKeys,
  left: ProbesLeft,
  finding: DoctorFinding,
): DoctorFinding {
  const general = (text: string) =>
    text.replaceAll(parts, () => `${prefix}*`).replaceAll(object, () => `${prefix}*`);
  const { check, state, detail, remedy } = finding;
  const there = check === 's3: delete' || check === 's3: multipart' ? left[check] : [];
  return {
    check,
    state: there.length > 0 ? 'fault' : state,
    detail: [general(detail), ...there.map((what) => `${what} may remain`)].join('; '),
    remedy: remedy === undefined ? undefined : general(remedy),
  };
}
