#!/usr/bin/env node
// Both packages have the command, so it does not matter which of them npm links.
await import(new URL('../bin/gatecast.js', import.meta.resolve('@gatecast/local')).href);
