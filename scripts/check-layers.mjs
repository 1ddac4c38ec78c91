// The fence between the folders of src/: who may import whom. Looks at the sources, where types count, and at the compiled code,
// where only what is loaded counts.
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

/** Fewer modules mean that the tool could not read them, which it takes for "no violations". */
const LEAST_MODULES = 100;

const library = (...names) => names.map((name) => `node_modules/${name}/`);
const src = (...layers) => `^(?:dist/)?src/(?:${layers.join('|')})/`;
const CLUSTER_SDK = library('@kubernetes/client-node');
const TERMINAL = library('@oclif/core', 'chalk', 'listr2');

const only = (layer, allowed, comment, { node = false } = {}) => ({
  name: `${layer}-imports-only-its-own`,
  comment,
  severity: 'error',
  from: { path: src(layer) },
  to: { pathNot: [src(layer), ...allowed], ...(node ? { dependencyTypesNot: ['core'] } : {}) },
});
const never = (layer, forbidden, comment) => ({
  name: `${layer}-never-imports`,
  comment,
  severity: 'error',
  from: { path: src(layer) },
  to: { path: forbidden },
});

const SOURCE_RULES = [
  { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  { name: 'imports-exist', severity: 'error', from: {}, to: { couldNotResolve: true } },
  only('core', [...library('yaml'), ...CLUSTER_SDK], 'pure: no input or output, no SDK, no clock'),
  only('ports', [src('core'), ...CLUSTER_SDK], 'interfaces only'),
  only('controller', [src('core', 'ports'), ...CLUSTER_SDK], 'loops over ports'),
  only('sandbox', [src('core'), ...library('yaml', 'graphql'), ...CLUSTER_SDK], 'the other side of the wire', {
    node: true,
  }),
  only('commands', [src('app', 'cli', 'core'), ...library('@oclif/core')], 'wire a command line to one function', {
    node: true,
  }),
  only('cli', [src('core'), ...TERMINAL, ...CLUSTER_SDK], 'what the user sees', { node: true }),
  never(
    'adapters',
    [src('controller', 'app', 'cli', 'commands', 'sandbox'), ...TERMINAL],
    'SDKs and HTTP behind ports',
  ),
  never('app', [src('cli', 'commands'), ...TERMINAL], 'wires adapters, controller and sandbox; prints nothing'),
];

const RUN_TIME_RULES = [
  never('core', CLUSTER_SDK, 'types only'),
  never('controller', CLUSTER_SDK, 'types only'),
  never('sandbox', CLUSTER_SDK, 'types only'),
  never('cli', [src('app', 'adapters', 'controller', 'sandbox'), ...CLUSTER_SDK], 'formats what it is given'),
  never('commands', [src('core'), ...CLUSTER_SDK], 'types only'),
  only('ports', [], 'compiles to nothing'),
  {
    name: 'short-commands-load-little',
    comment: 'lint, render, version and --help start fast: they never reach the Kubernetes client, graphql or listr2',
    severity: 'error',
    from: { path: '^dist/src/(?:commands/(?:lint|render|version)|cli/(?:main|run-oclif))\\.js$' },
    to: { path: library('@kubernetes/client-node', 'graphql', 'listr2'), reachable: true },
  },
];

async function check(folder, forbidden, options) {
  const { output } = await cruise(
    [folder],
    { validate: true, ruleSet: { forbidden }, doNotFollow: { path: 'node_modules' }, ...options },
    { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
    { tsConfig: extractTSConfig('./tsconfig.json') },
  );
  const { violations, totalCruised } = output.summary;
  for (const { rule, from, to } of violations) console.error(`${from} → ${to}: against the rule "${rule.name}"`);
  console.log(`${folder}: ${totalCruised} modules, ${violations.length} imports across the fence`);
  if (totalCruised < LEAST_MODULES) {
    console.error(`${folder}: fewer than ${LEAST_MODULES} modules were found, so nothing is proved`);
  }
  return violations.length === 0 && totalCruised >= LEAST_MODULES;
}

const results = [
  await check('src', SOURCE_RULES, { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' } }),
  await check('dist/src', RUN_TIME_RULES, {}),
];
if (results.includes(false)) process.exitCode = 1;
