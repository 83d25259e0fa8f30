// Downloads the newest dump under S3_PREFIX with the tool's own client, throws it away and does nothing else: what a
// verification is compared with.
import { newestBackups } from '../../src/catalog/catalog.ts';
import { readConfig } from '../../src/config/config.ts';
import { readObject } from '../../src/s3/reader.ts';
import { openStore } from '../../src/s3/s3-store.ts';

const config = readConfig({ env: process.env, flags: {} }, ['store']);
const store = openStore(config);
const { signal } = new AbortController();
let bytes = 0;
let expected: number | undefined;
for await (const { dump } of newestBackups({ store, prefix: config.prefix }, signal)) {
  if (dump === undefined) break;
  expected = dump.bytes;
  for await (const chunk of readObject(store, dump.key, { signal })) bytes += chunk.length;
  break;
}
store.close();
if (bytes !== expected) throw new Error(`${bytes} bytes were downloaded instead of ${expected}`);
