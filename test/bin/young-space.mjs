// Preloaded into a program: when it ends, makes objects as many keys or rows would, and tells on stderr its flags and
// how many bytes V8 has taken for young ones.
import { getHeapSpaceStatistics } from 'node:v8';

process.on('exit', () => {
  const recent = [];
  for (let made = 0; made < 2_000_000; made++) recent[made % 100_000] = { made };
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  console.error(JSON.stringify({ flags: process.execArgv, bytes: space?.space_size, kept: recent.length }));
});
