// Lists a bucket of `objects-<count>` with the tool's own readers and does nothing else: what an audit is compared with.
import { readConfig } from '../../src/config/config.ts';
import { type KeyRange, listRanges } from '../../src/s3/range-listing.ts';
import { openStore } from '../../src/s3/s3-store.ts';

const [count = 0, perRange = 0, readers = 0] = process.argv.slice(2).map(Number);
const store = openStore(readConfig({ env: process.env, flags: {} }, ['store']));

async function* ranges(): AsyncGenerator<KeyRange> {
  let after: string | undefined;
  for (let n = perRange; n < count; n += perRange) {
    const upTo = `media/uploads/${String(n).padStart(8, '0')}/measurement.opd`;
    yield { after, upTo };
    after = upTo;
  }
  yield { after, upTo: undefined };
}

const { signal } = new AbortController();
let objects = 0;
for await (const page of listRanges(store.listPages, 'media/', ranges(), {
  readers,
  signal,
  onRange: () => {},
})) {
  objects += page.length;
}
store.close();
if (objects !== count) throw new Error(`${objects} objects were listed instead of ${count}`);
