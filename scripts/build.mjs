// Builds the package: TypeScript to dist/, then one bundle of what users run, oclif's manifest and a code cache.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';
import { build } from 'esbuild';
import { programOf, PROGRAMS } from '../bin/load-program.js';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

function run(...command) {
  const { status } = spawnSync(process.execPath, command, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`"node ${command.join(' ')}" failed, so nothing was built`);
}

function compile() {
  rmSync('dist', { recursive: true, force: true });
  // TypeScript 7 emits the same JavaScript as 6 in a fifth of the time; 6 stays installed for the tools that need its API.
  run('node_modules/typescript-7/bin/tsc', '-p', '.');
}

/** Work of oclif's that every command line pays for and none of ours needs. */
const OCLIF_SHORTCUTS = [
  // bin/run.js has looked at the version of Node already.
  ['\ncheckNodeVersion();', ''],
  // The first comparison by locale loads ICU's tables: 7 ms. Names of commands are ASCII.
  ['a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)'],
  // Which would load node:child_process, to know a platform name that we do not use.
  ["(await import('wsl-utils')).isWsl ? 'wsl' : ", ''],
  // Its debug log is for DEBUG=oclif.
  ['(0, debug_1.default)(namespace)', '(process.env.DEBUG ? (0, debug_1.default)(namespace) : () => {})'],
];

/**
 * @oclif/core loads all of its parts when the first one is asked for, which is most of a short command's time. This makes each
 * `require` at the top of its modules wait until its value is used.
 */
const lazyOclif = {
  name: 'lazy-oclif',
  setup(context) {
    context.onLoad({ filter: /[\\/]@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, async ({ path }) => {
      let source = await readFile(path, 'utf8');
      for (const [from, to] of OCLIF_SHORTCUTS) source = source.replaceAll(from, to);
      const names = [];
      source = source.replace(
        /^const (\w+) = ((?:__import(?:Default|Star)\()?require\("[^"]+"\)\)?);$/gm,
        (_, name, load) => {
          names.push(name);
          return `let ${name}$value; const ${name}$ = () => (${name}$value ??= ${load});`;
        },
      );
      for (const name of names)
        source = source.replace(new RegExp(`(?<![\\w$.'"\`/-])${name}(?![\\w$:'"\`/-])`, 'g'), `(${name}$())`);
      source = source.replace(
        /^exports\.(\w+) = (__importStar\(require\("[^"]+"\)\));$/gm,
        'Object.defineProperty(exports, "$1", { enumerable: true, get: () => $2 });',
      );
      return { contents: source, loader: 'js' };
    });
  },
};

/**
 * Libraries that few commands need lie in files of their own, so that the program stays small; the names that we use of them.
 * What is not listed is left out of the package: most of the Kubernetes client.
 */
const LIBRARIES = {
  '@kubernetes/client-node': '{ KubeConfig }',
  graphql: '*',
  listr2: '*',
};

function libraryFile(name) {
  return `./libraries/${basename(name)}.cjs`;
}

const separateLibraries = {
  name: 'separate-libraries',
  setup(context) {
    const filter = new RegExp(`^(?:${Object.keys(LIBRARIES).join('|')})$`);
    context.onResolve({ filter }, ({ path }) => ({ path: libraryFile(path), external: true }));
  },
};

const shared = {
  bundle: true,
  metafile: true,
  minifySyntax: true,
  minifyWhitespace: true,
  // Not the identifiers: names of errors and classes are part of what users read, and keeping those another way costs work at run time.
  platform: 'node',
  target: 'node20',
  // All licences go into one file, see writeLicences.
  legalComments: 'none',
};

/** Folders of the packages whose code is in the bundle. */
const bundledPackages = new Set();

async function bundle(options) {
  const { metafile } = await build({ ...shared, ...options });
  for (const input of Object.keys(metafile.inputs)) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [];
    if (folder !== undefined) bundledPackages.add(folder);
  }
}

/** The licences of what is bundled ask to be passed on with it. */
function writeLicences() {
  const texts = [...bundledPackages].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(`${folder}/${file}`, 'utf8').trim()}\n`;
  });
  writeFileSync('dist/bundle/THIRD-PARTY-LICENSES.txt', texts.join(`\n${'-'.repeat(80)}\n\n`));
}

/**
 * One file with the commands of a program. It is CommonJS, because V8 can keep compiled code of such a file, and a command's modules are
 * evaluated when the command is asked for. oclif finds each command in a file of its own, which only points there.
 */
async function bundleProgram(name, commands) {
  const getters = commands.map(
    (command) => `get ${JSON.stringify(command)}() { return require('./dist/src/commands/${command}.js'); }`,
  );
  await bundle({
    stdin: {
      contents: `export { main } from './dist/src/cli/main.js';\nexport const commands = { ${getters.join(', ')} };\n`,
      resolveDir: root,
    },
    outfile: `dist/bundle/${name}.cjs`,
    format: 'cjs',
    external: ['typescript', 'ts-node', 'tsx'],
    plugins: [lazyOclif, separateLibraries],
    define: { 'import.meta.url': 'bundleUrl' },
    banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
  for (const command of commands) {
    writeFileSync(
      `dist/bundle/commands/${command}.cjs`,
      `module.exports = require('../${name}.cjs').commands[${JSON.stringify(command)}];\n`,
    );
  }
}

async function bundlePrograms() {
  const files = readdirSync('dist/src/commands').filter((file) => file.endsWith('.js'));
  const commands = files.map((file) => basename(file, '.js'));
  mkdirSync('dist/bundle/commands', { recursive: true });
  for (const name of PROGRAMS) {
    await bundleProgram(
      name,
      commands.filter((command) => programOf([command]) === name),
    );
  }
}

/**
 * What libraries carry for old releases of Node.js and never call on ours. node-fetch, in the Kubernetes client, falls back to this
 * `URL` where Node.js has none, and only loading it is enough for Node 24 to warn users of the deprecated `punycode` in it.
 */
const BUILT_IN = { 'whatwg-url': 'node:url' };

async function bundleLibraries() {
  for (const [name, names] of Object.entries(LIBRARIES)) {
    await bundle({
      stdin: { contents: `export ${names} from '${name}';\n`, resolveDir: root },
      outfile: `dist/bundle/${libraryFile(name)}`,
      format: 'cjs',
      alias: BUILT_IN,
    });
  }
}

/** A program of its own: the sandbox's kubelet puts it into the PATH of jobs, and looks for it beside itself. */
async function bundleAgentCli() {
  await bundle({
    entryPoints: ['dist/src/sandbox/kubelet/agent-cli.js'],
    outfile: 'dist/bundle/agent-cli.js',
    format: 'esm',
  });
}

async function writeManifest() {
  rmSync('oclif.manifest.json', { force: true });
  const plugin = new Plugin({
    root,
    type: 'core',
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  });
  await plugin.load();
  writeFileSync('oclif.manifest.json', `${JSON.stringify(plugin.manifest, null, 2)}\n`);
}

compile();
await bundlePrograms();
await bundleLibraries();
await bundleAgentCli();
writeLicences();
await writeManifest();
run('scripts/write-code-cache.mjs');
