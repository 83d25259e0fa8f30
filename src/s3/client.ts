import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Config } from '../config/config.ts';
import { nameErrorsInBodies } from './errors-in-bodies.ts';
import { addHeaders } from './request-headers.ts';
import { refuseOtherDocuments } from './unlike-s3.ts';

/**
 * Idle time in milliseconds after which a connection counts as broken. A large part may take minutes, but never
 * idles.
 */
const IDLE_MS = 120_000;

/** The endpoint's address with its scheme; undefined for AWS. */
function endpointUrl(settings: Pick<Config<'store'>, 'endpoint' | 'useTls'>): string | undefined {
  const { endpoint, useTls } = settings;
  if (endpoint === undefined || endpoint.includes('://')) return endpoint;
  return `${useTls ? 'https' : 'http'}://${endpoint}`;
}

/** The server's address for messages. */
export function serverAddress({ endpoint, useTls, region }: Config<'store'>): string {
  const { origin, pathname } = new URL(
    endpointUrl({ endpoint, useTls }) ??
      `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
  );
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/**
 * Lifetime given to the keys, in milliseconds: the SDK renews keys that expire within five minutes, so it asks again
 * about once a minute.
 */
const KEYS_EXPIRE_MS = 6 * 60_000;

/** The current keys: the files they are read from are rewritten when keys are renewed. */
function readKeys({ accessKeyId, secretAccessKey, sessionToken }: Config<'store'>) {
  return {
    accessKeyId: accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
    expiration: new Date(Date.now() + KEYS_EXPIRE_MS),
  };
}

/**
 * The SDK's client. Checksums are computed only where S3 requires them: several servers refuse the newer ones or
 * silently accept a wrong one, but all check Content-MD5.
 */
export function createS3Client(settings: Config<'store'>): S3Client {
  const endpoint = endpointUrl(settings);
  const client = new S3Client({
    region: settings.region,
    forcePathStyle: settings.forcePathStyle,
    credentials: async () => readKeys(settings),
    maxAttempts: 5,
    // Set here so that the SDK does not look for them in its own variables, or in files of a home directory that may
    // not exist.
    retryMode: 'standard',
    defaultsMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    ignoreConfiguredEndpointUrls: true,
    userAgentAppId: 'topobank-backup',
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 10_000,
      socketTimeout: IDLE_MS,
      httpAgent: new HttpAgent({ keepAlive: true, maxSockets: 64 }),
      httpsAgent: new HttpsAgent({
        keepAlive: true,
        maxSockets: 64,
        rejectUnauthorized: settings.verifyTls,
      }),
    }),
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  addHeaders(client);
  refuseOtherDocuments(client);
  nameErrorsInBodies(client);
  return client;
}
