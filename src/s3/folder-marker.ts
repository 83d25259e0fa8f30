import type { ObjectInfo } from './store.ts';

/** Whether an object is what consoles and mounted buckets create for a folder, rather than an application's file. */
export function isFolderMarker({ key, bytes }: ObjectInfo): boolean {
  return bytes === 0 && key.endsWith('/');
}
