'use strict';
const { existsSync, readFileSync } = require('node:fs');
const Module = require('node:module');
const { dirname, join } = require('node:path');
const { Script, constants } = require('node:vm');

const bundle = join(__dirname, '..', 'dist', 'bundle');

/** The bundles: `lint`, whose rules are most of the code, and all other commands, which start faster without. */
const PROGRAMS = ['program', 'lint'];

/** The bundle that holds the command of a command line. */
function programOf([command]) {
  return command === 'lint' ? 'lint' : 'program';
}

function fileOf(name) {
  return join(bundle, `${name}.cjs`);
}

/** Compiled code is of use to the very V8 that made it; any other Node.js compiles the text. */
function codeCacheOf(name) {
  return join(bundle, `${name}.node-${process.versions.node}-${process.arch}.cache`);
}

/** Compiles a bundle, from its code cache where there is one for this Node.js. */
function compileProgram(name) {
  const file = fileOf(name);
  const codeCache = codeCacheOf(name);
  return new Script(Module.wrap(readFileSync(file, 'latin1')), {
    filename: file,
    cachedData: existsSync(codeCache) ? readFileSync(codeCache) : undefined,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

/** Runs a compiled bundle as the module it is; gives its exports. */
function evaluateProgram(name, script) {
  const file = fileOf(name);
  const program = new Module(file);
  program.filename = file;
  // oclif asks for the program again, through the file of the command it looks for.
  Module._cache[file] = program;
  script.runInThisContext()(program.exports, Module.createRequire(file), program, file, dirname(file));
  program.loaded = true;
  return program.exports;
}

/** A bundle's exports. It starts in half the time when its code cache fits. */
function loadProgram(name) {
  if (existsSync(codeCacheOf(name))) return evaluateProgram(name, compileProgram(name));
  // Node 22 and newer keep compiled code between runs.
  Module.enableCompileCache?.();
  return require(fileOf(name));
}

module.exports = { PROGRAMS, codeCacheOf, compileProgram, evaluateProgram, loadProgram, programOf };
