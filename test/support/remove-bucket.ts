import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Store } from '../../src/s3/store.ts';

/** Deletes a bucket with every upload and every version in it. */
export async function removeBucket(client: S3Client, store: Store, signal: AbortSignal): Promise<void> {
  const { bucket } = store;
  for await (const upload of store.listUploads('', signal)) await store.abortUpload(upload, signal);
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }), {
      abortSignal: signal,
    });
    const versions = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    if (versions.length === 0) break;
    for (const { Key, VersionId } of versions)
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }), { abortSignal: signal });
  }
  await client.send(new DeleteBucketCommand({ Bucket: bucket }), { abortSignal: signal });
}
