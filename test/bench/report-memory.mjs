import { writeSync } from 'node:fs';

// `maxRSS` is in KiB on every system (libuv, uv_getrusage).
process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));
