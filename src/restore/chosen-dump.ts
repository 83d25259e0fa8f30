import type { DumpSource } from '../catalog/dump-source.ts';

/** The dump that was chosen to be restored. */
export interface ChosenDump {
  readonly source: DumpSource;
  /**
   * Called under the lock, for which another run may have been waited.
   *
   * @throws NotFoundError if the dump is no longer there, StoreError if the server has lost it
   */
  readonly checkThere: (signal: AbortSignal) => Promise<void>;
}
