#!/usr/bin/env node
import module from 'node:module';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`agent-stack-k8s needs Node.js 20.19 or newer, this is ${process.versions.node}\n`);
  process.exitCode = 3;
} else {
  // Node 22 and newer keep compiled code between runs.
  module.enableCompileCache?.();
  const { main } = await import('../dist/bundle/cli/main.js');
  await main();
}
