import { expect, test } from 'vitest';
import { examineStore } from '../../src/doctor/store-checks.ts';
import type { Store } from '../../src/s3/store.ts';
import { keepVersions } from '../support/keep-versions.ts';
import { admitPatient, unwell } from './patient.ts';

const signal = new AbortController().signal;
const patient = await admitPatient();

const PREFIXES = { prefix: 'backup/', mediaPrefix: 'media/' };

test('probe objects that cannot be removed are named', async () => {
  patient.bed.server.faults.push({
    operation: 'DeleteObjects',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const [finding, ...others] = unwell(await patient.examine());
  expect(others).toEqual([]);
  patient.bed.server.faults.length = 0;
  const keys = await patient.bed.keys();
  expect(keys).toHaveLength(2);
  expect(finding).toMatchObject({
    check: 's3: delete',
    detail: `403 AccessDenied; ${keys.map((key) => `${key} may remain`).join('; ')}`,
  });
  await patient.bed.store.remove(keys, signal);
});

test('what may be left is named where it cannot even be looked up', async () => {
  const denied = { kind: 'error', status: 403, code: 'AccessDenied' } as const;
  patient.bed.server.faults.push(
    { operation: 'DeleteObjects', what: denied },
    // Before a probe is written, it is looked up.
    { operation: 'HeadObject', after: 2, what: denied },
  );
  const finding = (await patient.examine()).find(({ check }) => check === 's3: delete');
  patient.bed.server.faults.length = 0;
  const keys = await patient.bed.keys();
  expect(keys).toHaveLength(2);
  for (const key of keys) expect(finding?.detail).toContain(`${key} may remain`);
  await patient.bed.store.remove(keys, signal);
});

test('uploads that cannot be aborted are named', async () => {
  patient.bed.server.faults.push({
    operation: 'AbortMultipartUpload',
    what: { kind: 'error', status: 403, code: 'AccessDenied' },
  });
  const finding = (await patient.examine()).find(({ check }) => check === 's3: multipart');
  patient.bed.server.faults.length = 0;
  const uploads = await patient.bed.pendingUploads();
  expect(uploads.length).toBeGreaterThan(0);
  expect(finding?.detail.match(/upload \S+ of \S+-parts may remain/g)).toHaveLength(uploads.length);
  for await (const upload of patient.bed.store.listUploads('backup/', signal)) {
    await patient.bed.store.abortUpload(upload, signal);
  }
});

test('a server that takes no gaps between the numbers of parts is good enough', async () => {
  const completeUpload: Store['completeUpload'] = async (upload, parts, by) => {
    if (parts.some(({ partNumber }, at) => partNumber !== at + 1)) throw new Error('a part is missing');
    await patient.bed.store.completeUpload(upload, parts, by);
  };
  const store = { ...patient.bed.store, completeUpload };
  expect(unwell(await examineStore(store, PREFIXES, { now: () => new Date(), signal }))).toEqual([]);
});

test('where the bucket keeps versions, they have to be listed', async () => {
  const versions = async () => (await patient.examine()).find(({ check }) => check === 's3: versions');
  await keepVersions(patient.bed);
  try {
    expect(await versions()).toMatchObject({ state: 'ok', detail: expect.stringContaining('can be listed') });
    patient.bed.server.faults.push({
      operation: 'ListObjectVersions',
      what: { kind: 'error', status: 403, code: 'AccessDenied' },
    });
    expect(await versions()).toMatchObject({
      state: 'warning',
      detail: '403 AccessDenied, so none are recorded for media',
      remedy: expect.stringContaining('s3:ListBucketVersions'),
    });
  } finally {
    await keepVersions(patient.bed, 'Suspended');
  }
});
