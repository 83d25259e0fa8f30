import { createRequire } from 'node:module';
import type * as ClientS3 from '@aws-sdk/client-s3';
import type * as HttpHandler from '@smithy/node-http-handler';

const require = createRequire(import.meta.url);

/**
 * What is used of the AWS SDK, which is CommonJS: an `import` reads each of its files twice more, to learn what it is
 * and which names it exports, and so takes twice as long as `require`. Commands would start an eighth later.
 */
export const {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} = require('@aws-sdk/client-s3') as typeof ClientS3;

export type S3Client = ClientS3.S3Client;
export type ListObjectsV2Command = ClientS3.ListObjectsV2Command;

export const { NodeHttpHandler } = require('@smithy/node-http-handler') as typeof HttpHandler;
