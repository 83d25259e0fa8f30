import { fileURLToPath } from 'node:url';
import { buildImage, docker, type Engine } from '../engine/docker.ts';
import type { EngineLease } from '../engine/engine.ts';
import { makeBaseImages } from './base-images.ts';

/** The images of a run. */
export interface Images {
  /** The project's own. */
  readonly dbbackup: string;
  /** PostgreSQL 17. */
  readonly postgres: string;
  /** The S3 server of test/support. */
  readonly s3: string;
}

/** As docker/compose.yaml and the fragments for TopoBank name them. */
const POSTGRES_IMAGE = 'postgres:17';
const MINIO_IMAGE = 'minio/minio:RELEASE.2025-09-07T16-13-09Z';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));

/**
 * Builds the project's image from its Dockerfile, unchanged, with Debian's own PostgreSQL client only. In an engine
 * of our own, where nothing can be pulled, the images that it and the compose files name are made first.
 */
export async function prepareImages({ engine, own }: EngineLease, directory: string): Promise<Images> {
  const images: Images = {
    dbbackup: `${engine.run}-dbbackup`,
    postgres: POSTGRES_IMAGE,
    s3: `${engine.run}-s3`,
  };
  if (own) await makeBaseImages(engine, directory);
  await Promise.all([
    buildDbbackup(engine, images.dbbackup),
    buildImage(engine, images.s3, `${ROOT}/test`, ['--file', `${HERE}/s3/Dockerfile`]),
    ...(own ? [buildImage(engine, POSTGRES_IMAGE, `${HERE}/postgres`)] : []),
  ]);
  if (own) await docker(engine, ['tag', images.s3, MINIO_IMAGE]);
  return images;
}

/** Where this machine's npm trusts a CA of its own, the build is told of it as an operator would. */
function buildDbbackup(engine: Engine, tag: string): Promise<void> {
  const ca = process.env.NODE_EXTRA_CA_CERTS;
  return buildImage(engine, tag, ROOT, [
    '--file',
    `${ROOT}/docker/Dockerfile`,
    '--build-arg',
    'POSTGRES_MAJORS=',
    ...(ca === undefined ? [] : ['--secret', `id=ca,src=${ca}`]),
  ]);
}
