import { S3Error } from './errors.ts';
import type { OperationContext, Reply } from './operation.ts';
import { receiveText } from './receive-body.ts';
import { bucketOf } from './storage.ts';
import { renderXml, textOf, type XmlNode } from './xml.ts';

export async function createBucket({ request, storage, bucket }: OperationContext): Promise<Reply> {
  await receiveText(request);
  if (storage.buckets.has(bucket)) throw new S3Error(409, 'BucketAlreadyOwnedByYou');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) throw new S3Error(400, 'InvalidBucketName');
  storage.buckets.set(bucket, {
    name: bucket,
    created: new Date(),
    versioning: 'Off',
    encryption: undefined,
    objects: new Map(),
    uploads: new Map(),
    sortedKeys: undefined,
    now: storage.now,
  });
  return { status: 200, headers: { location: `/${bucket}` } };
}

export async function headBucket({ storage, bucket }: OperationContext): Promise<Reply> {
  bucketOf(storage, bucket);
  return { status: 200 };
}

export async function deleteBucket({ storage, bucket }: OperationContext): Promise<Reply> {
  if (bucketOf(storage, bucket).objects.size > 0) throw new S3Error(409, 'BucketNotEmpty');
  storage.buckets.delete(bucket);
  return { status: 204 };
}

export async function listBuckets({ storage }: OperationContext): Promise<Reply> {
  const buckets = [...storage.buckets.values()].map(
    ({ name, created }): XmlNode => [
      'Bucket',
      [
        ['Name', name],
        ['CreationDate', created],
      ],
    ],
  );
  return { status: 200, xml: renderXml('ListAllMyBucketsResult', [['Buckets', buckets]]) };
}

export async function putBucketVersioning({ request, storage, bucket }: OperationContext): Promise<Reply> {
  const status = textOf(await receiveText(request), 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error(400, 'MalformedXML');
  bucketOf(storage, bucket).versioning = status;
  return { status: 200 };
}

export async function putBucketEncryption({ request, storage, bucket }: OperationContext): Promise<Reply> {
  const algorithm = textOf(await receiveText(request), 'SSEAlgorithm');
  if (algorithm === undefined) throw new S3Error(400, 'MalformedXML');
  bucketOf(storage, bucket).encryption = algorithm;
  return { status: 200 };
}

export async function getBucketVersioning({ storage, bucket }: OperationContext): Promise<Reply> {
  const { versioning } = bucketOf(storage, bucket);
  return {
    status: 200,
    xml: renderXml('VersioningConfiguration', versioning === 'Off' ? [] : [['Status', versioning]]),
  };
}
