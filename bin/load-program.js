'use strict';
const { existsSync, readFileSync } = require('node:fs');
const Module = require('node:module');
const { dirname, join } = require('node:path');
const { Script, constants } = require('node:vm');

const bundle = join(__dirname, '..', 'dist', 'bundle');
const file = join(bundle, 'program.cjs');
// Compiled code is of use to the very V8 that made it; any other Node.js compiles the text.
const codeCache = join(bundle, `program.node-${process.versions.node}-${process.arch}.cache`);

/** Compiles the bundled program, from the code cache where there is one for this Node.js. */
function compileProgram() {
  return new Script(Module.wrap(readFileSync(file, 'latin1')), {
    filename: file,
    cachedData: existsSync(codeCache) ? readFileSync(codeCache) : undefined,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

/** Runs a compiled program as the module it is; gives its exports. */
function evaluateProgram(script) {
  const program = new Module(file);
  program.filename = file;
  // oclif asks for the program again, through the file of the command it looks for.
  Module._cache[file] = program;
  script.runInThisContext()(program.exports, Module.createRequire(file), program, file, dirname(file));
  program.loaded = true;
  return program.exports;
}

/** The bundled program. Starts in half the time when its code cache fits. */
function loadProgram() {
  if (existsSync(codeCache)) return evaluateProgram(compileProgram());
  // Node 22 and newer keep compiled code between runs.
  Module.enableCompileCache?.();
  return require(file);
}

module.exports = { codeCache, compileProgram, evaluateProgram, loadProgram };
