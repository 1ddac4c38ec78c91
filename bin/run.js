#!/usr/bin/env node
'use strict';
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`agent-stack-k8s needs Node.js 20.19 or newer, this is ${process.versions.node}\n`);
  process.exitCode = 3;
} else {
  const { loadProgram, programOf } = require('./load-program.js');
  void loadProgram(programOf(process.argv.slice(2))).main();
}
