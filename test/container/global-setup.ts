import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { scratchDirectory } from '../support/scratch-directory.ts';
import type { Engine } from './engine/docker.ts';
import { leaseEngine, NoEngine } from './engine/engine.ts';
import { type Images, prepareImages } from './images/images.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The engine and the images of this run; null where there is no engine. */
    readonly docker: { readonly engine: Engine; readonly images: Images } | null;
  }
}

/** One engine and one set of images for the whole run. In CI an engine has to be there; elsewhere tests are skipped. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const directory = scratchDirectory('container');
  try {
    const lease = await leaseEngine(directory.path);
    try {
      const images = await prepareImages(lease, directory.path);
      project.provide('docker', { engine: lease.engine, images });
      // Workers inherit it: whatever a test that is interrupted leaves behind lies in there, and goes with it.
      process.env.TMPDIR = directory.path;
      return lease.giveBack;
    } catch (error) {
      await lease.giveBack();
      throw error;
    }
  } catch (error) {
    directory.remove();
    if (!(error instanceof NoEngine) || process.env.CI) throw error;
    process.stderr.write(`the container tests are skipped: ${error.message}\n`);
    project.provide('docker', null);
    return undefined;
  }
}
