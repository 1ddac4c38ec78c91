// Builds the package: TypeScript to dist/, then one bundle of what users run, then oclif's manifest of commands and flags.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

function compile() {
  rmSync('dist', { recursive: true, force: true });
  // TypeScript 7 emits the same JavaScript as 6 in a fifth of the time; 6 stays installed for the tools that need its API.
  const { status } = spawnSync(process.execPath, ['node_modules/typescript-7/bin/tsc', '-p', '.'], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('TypeScript found errors, nothing was built');
}

/** Packages written as CommonJS expect these three. The long names cannot meet those the minifier gives. */
const COMMONJS_NAMES = [
  `import { createRequire as bannerCreateRequire } from 'node:module';`,
  `import { fileURLToPath as bannerToPath } from 'node:url';`,
  `import { dirname as bannerDirname } from 'node:path';`,
  `const require = bannerCreateRequire(import.meta.url);`,
  `const __filename = bannerToPath(import.meta.url), __dirname = bannerDirname(__filename);`,
].join('');

/**
 * @oclif/core loads all of its parts when the first one is asked for, which is most of a short command's time. This makes each
 * `require` at the top of its modules wait until its value is used.
 */
const lazyOclif = {
  name: 'lazy-oclif',
  setup(context) {
    context.onLoad({ filter: /[\\/]@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, async ({ path }) => {
      let source = await readFile(path, 'utf8');
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
      return { contents: source, loader: 'js' };
    });
  },
};

async function bundle() {
  const commands = readdirSync('dist/src/commands').filter((file) => file.endsWith('.js'));
  await build({
    entryPoints: [
      { in: 'dist/src/cli/main.js', out: 'cli/main' },
      ...commands.map((file) => ({ in: `dist/src/commands/${file}`, out: `commands/${basename(file, '.js')}` })),
      // A program of its own: the sandbox's kubelet puts it into the PATH of jobs, and looks for it beside itself.
      { in: 'dist/src/sandbox/kubelet/agent-cli.js', out: 'agent-cli' },
    ],
    outdir: 'dist/bundle',
    bundle: true,
    splitting: true,
    minify: true,
    // Error names and class names are part of what users read.
    keepNames: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    legalComments: 'linked',
    external: ['typescript', 'ts-node', 'tsx'],
    plugins: [lazyOclif],
    banner: { js: COMMONJS_NAMES },
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
await bundle();
await writeManifest();
