#!/usr/bin/env node
// The SDK's notice that Node 20 comes to its end is for this project's developers, not for whoever restores at night.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const { main } = await import('../dist/main.js');
process.exitCode = await main(process.argv, process.env);
