// Downloads the newest dump under S3_PREFIX with the tool's own client, throws it away and does nothing else: what a
// verification is compared with.
import { newestBackups } from '../../dist/catalog/catalog.js';
import { readConfig } from '../../dist/config/config.js';
import { readObject } from '../../dist/s3/reader.js';
import { openStore } from '../../dist/s3/s3-store.js';

const config = readConfig({ env: process.env, flags: {} }, ['store']);
const store = openStore(config);
const { signal } = new AbortController();
let bytes = 0;
let expected;
for await (const { dump } of newestBackups(store, config.prefix, signal)) {
  expected = dump.bytes;
  for await (const chunk of readObject(store, dump.key, { signal })) bytes += chunk.length;
  break;
}
store.close();
if (bytes !== expected) throw new Error(`${bytes} bytes were downloaded instead of ${expected}`);
