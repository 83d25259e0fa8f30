import type { DumpIndex } from '../../dump/dump-index.ts';
import type { ReadRange } from '../../dump/read-text.ts';

/** A dump whose rows can be located without reading it. */
export interface WideDump {
  /** What one pass over the dump has found, or what its manifest says. */
  readonly index: Pick<DumpIndex, 'bytes' | 'tables' | 'encoding'>;
  /** Undefined for a dump that has to be unpacked from its beginning. */
  readonly readRange: ReadRange | undefined;
  readonly read: (signal: AbortSignal) => AsyncIterable<Buffer>;
}
