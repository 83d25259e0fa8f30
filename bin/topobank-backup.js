#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// The space for young objects would grow to 32 MiB under Node 20 and to 128 MiB under Node 24, as soon as many rows or
// keys have gone through it. Few objects live on here, and memory is promised to stay flat.
setFlagsFromString('--semi-space-growth-factor=1');

// The SDK's notice that Node 20 comes to its end is for this project's developers, not for whoever restores at night.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const { main } = await import('../dist/main.js');
process.exitCode = await main(process.argv, process.env);
