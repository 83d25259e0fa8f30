#!/usr/bin/env -S node --max-semi-space-size=16
// The flag, in MiB, is the default of Node 20: that of Node 24 lets young objects take 128 MiB before they are looked
// through, and memory is promised to stay flat. Much less would have the rows and keys that are under way outlive it.

// The SDK's notice that Node 20 comes to its end is for this project's developers, not for whoever restores at night.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const { main } = await import('../dist/main.js');
process.exitCode = await main(process.argv, process.env);
