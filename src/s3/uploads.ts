import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type Connection, retryPassing, WRITE_ID } from './connection.ts';
import { answerOf, UnlikeS3Error } from './errors.ts';
import { strongEtag } from './etag.ts';
import { listPendingUploads } from './listing.ts';
import { contentMd5 } from './request-headers.ts';
import type { Store } from './store.ts';

type Uploads = Pick<Store, 'createUpload' | 'uploadPart' | 'completeUpload' | 'abortUpload' | 'listUploads'>;

/** The calls of multipart uploads. */
export function uploadCalls({ client, bucket, call }: Connection): Uploads {
  return {
    createUpload: (key, contentType, signal) =>
      call(
        `cannot start the upload of ${key} to bucket ${bucket}`,
        `s3:PutObject on ${key}`,
        signal,
        async () => {
          const writeId = randomUUID();
          const answer = await client.send(
            new CreateMultipartUploadCommand({
              Bucket: bucket,
              Key: key,
              ContentType: contentType,
              Metadata: { [WRITE_ID]: writeId },
            }),
            { abortSignal: signal },
          );
          if (answer.UploadId === undefined) throw new UnlikeS3Error('the server returned no upload id');
          return { key, uploadId: answer.UploadId, writeId };
        },
        'unsent',
      ),

    uploadPart: ({ key, uploadId }, partNumber, body, signal) =>
      call(`cannot write ${key} to bucket ${bucket}`, `s3:PutObject on ${key}`, signal, async () => {
        const send = () =>
          client.send(
            new UploadPartCommand({
              Bucket: bucket,
              Key: key,
              UploadId: uploadId,
              PartNumber: partNumber,
              Body: body,
              ContentMD5: contentMd5(body),
            }),
            { abortSignal: signal },
          );
        const answer = await retryPassing(send, signal);
        if (answer.ETag === undefined)
          throw new UnlikeS3Error(`the server returned no ETag for part ${partNumber}`);
        return { partNumber, etag: strongEtag(answer.ETag) };
      }),

    completeUpload: ({ key, uploadId }, parts, signal) =>
      call(
        `cannot complete the upload of ${key} to bucket ${bucket}`,
        `s3:PutObject on ${key}`,
        signal,
        async () => {
          await client.send(
            new CompleteMultipartUploadCommand({
              Bucket: bucket,
              Key: key,
              UploadId: uploadId,
              MultipartUpload: {
                Parts: parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag })),
              },
            }),
            { abortSignal: signal },
          );
        },
      ),

    abortUpload: ({ key, uploadId }, signal) =>
      call(
        `cannot abort the upload of ${key} to bucket ${bucket}`,
        `s3:AbortMultipartUpload on ${key}`,
        signal,
        async () => {
          try {
            await client.send(
              new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId }),
              { abortSignal: signal },
            );
          } catch (error) {
            if (answerOf(error).status !== 404) throw error;
          }
        },
      ),

    listUploads: (prefix, signal) =>
      listPendingUploads({
        client,
        bucket,
        prefix,
        signal,
        call: (work) =>
          call(`cannot list the uploads in bucket ${bucket}`, 's3:ListBucketMultipartUploads', signal, work),
      }),
  };
}
