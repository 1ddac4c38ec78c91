import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import type { BuildkiteJob } from '../../../src/core/job/job.js';
import { buildJob, podTemplateName } from '../../../src/core/manifest/build-job.js';
import { checkoutScript } from '../../../src/core/manifest/checkout-container.js';
import { copyAgentScript } from '../../../src/core/manifest/workspace.js';
import { flattenManifest } from '../../support/flatten-manifest.js';
import { goldenCases, goldenDefects, goldenFile } from '../../support/goldens.js';
import { configOf } from '../config/resolve.js';

const cases = goldenCases();
const VERSION = 'v0.47.0';

/** Where we chose the other of two permitted outcomes; each is in docs/differences.md. */
const FAILS_HERE = new Set([
  'workspace-004-user-volume-of-same-name',
  'mounts-007-undefined-volume',
  'metadata-004-invalid-labels',
  'config-patch-014-misspelt-container',
  'plugin-patch-002-directives-dropped',
]);
/** Paths where doing the right thing touches more than the row of `defects.tsv` names. */
const ALSO_DIFFERENT: Readonly<Record<string, string>> = {
  // `args` without `command` are honoured; the reference throws them away.
  'command-002-only-args': 'spec.template.spec.containers[container-0].env[BUILDKITE_COMMAND].value',
  // The row names the wrong mount; the right one stands at another path.
  'agent-config-009-signing-and-verification-relative':
    'spec.template.spec.containers[agent].volumeMounts[/buildkite/signing-jwks]',
  // The later plugin's container has no name, so it gets the default one.
  'multi-plugin-003-two-kubernetes-plugins': 'spec.template.spec.containers[container-0]',
};

function build(name: string) {
  const config = configOf({ yaml: goldenFile(name, 'config.yaml') ?? '' });
  const raw = JSON.parse(goldenFile(name, 'job.json') ?? '{}') as Omit<BuildkiteJob, 'env'> & {
    env: string[] | Record<string, string>;
  };
  const job = { ...raw, env: envMap(raw.env) };
  const wanted = podTemplateName({ job, config });
  const templates = parseAllDocuments(goldenFile(name, 'pod-templates.yaml') ?? '').map((document): any =>
    document.toJS(),
  );
  const template = templates.find(
    (candidate) =>
      candidate?.metadata?.name === wanted && (candidate.metadata.namespace ?? config.namespace) === config.namespace,
  );
  return buildJob({ job, config, version: VERSION, podTemplateSpec: template?.template?.spec });
}

function envMap(env: string[] | Record<string, string>): Record<string, string> {
  if (!Array.isArray(env)) return env;
  return Object.fromEntries(env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

/** Puts our script in the place of a token that describes it, so that a wrong parameter shows. */
function scriptFor(token: string): string {
  const facts = Object.fromEntries([...token.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key, value]));
  if (token.startsWith('script:copy-agent')) {
    const [uid = '0', gid = '0'] = facts['owner'] === 'unchanged' ? [] : (facts['owner'] ?? '').split(':');
    return copyAgentScript({ uid: Number(uid), gid: Number(gid) });
  }
  const user = {
    uid: facts['user'] === 'root' ? 0 : Number(facts['user']),
    gid: /^\d+$/.test(facts['group'] ?? '') ? Number(facts['group']) : 0,
  };
  return checkoutScript(user, { withCredentials: facts['credentials'] === 'copied' });
}

function expectedManifest(name: string): Map<string, string> {
  const manifest: unknown = parse(goldenFile(name, 'expected.yaml') ?? '');
  const text = JSON.stringify(manifest, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith('script:') ? scriptFor(value) : value,
  );
  return flattenManifest(JSON.parse(text));
}

/** One line for each path that is not the same: what we wrote, and what the reference has. */
function differences(actual: Record<string, string>, expected: Record<string, string>): string[] {
  const paths = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  return [...paths]
    .filter((path) => actual[path] !== expected[path])
    .map((path) => `${path}: ${actual[path] ?? '(absent)'} instead of ${expected[path] ?? '(absent)'}`);
}

/** Removes what may differ: the namespace, and for this case every path that `defects.tsv` names, with all below it. */
function comparable(flat: Map<string, string>, patterns: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [path, value] of flat) {
    const at = path.replace(/\.\$order$/, '');
    if (path === 'metadata.namespace' || patterns.some((pattern) => covers(pattern, at))) continue;
    result[path] = path.endsWith('.$order')
      ? withoutCovered(at, value, patterns)
      : path.endsWith('env[BUILDKITE_COMMAND].value')
        ? value.replaceAll('$$', '$')
        : value;
  }
  return result;
}

function withoutCovered(path: string, order: string, patterns: readonly string[]): string {
  const names = JSON.parse(order) as string[];
  return JSON.stringify(names.filter((name) => !patterns.some((pattern) => covers(pattern, `${path}[${name}]`))));
}

function covers(pattern: string, path: string): boolean {
  const prefix = pattern.replace(/[.\\^$+?(){}|[\]]/g, '\\$&').replace(/\*/g, '[^\\]]*');
  return new RegExp(`^${prefix}(?:$|[.[#])`).test(path);
}

describe('manifests of the reference implementation', () => {
  if (cases.length === 0) {
    it('skipped: ../shared/goldens is not here');
    return;
  }
  // The rows for case * only permit what the comparison normalises anyway: sorted tags, numbered checks, dollar signs.
  const defects = goldenDefects().filter((defect) => defect.case !== '*');

  for (const name of cases.filter((each) => goldenFile(each, 'expected.yaml') !== undefined)) {
    it(`${name}: ${FAILS_HERE.has(name) ? 'fails with a reason instead' : 'the same manifest'}`, () => {
      const patterns = defects.filter((defect) => defect.case === name).map((defect) => defect.path);
      const also = ALSO_DIFFERENT[name];
      if (also !== undefined) patterns.push(also);

      const built = build(name);

      if (FAILS_HERE.has(name)) {
        expect(patterns).to.include('<outcome>');
        expect(built.ok).to.equal(false);
        return;
      }
      if (!built.ok) throw new Error(built.error.text);
      const [actual, expected] = [flattenManifest(built.value.manifest), expectedManifest(name)];
      expect(differences(comparable(actual, patterns), comparable(expected, patterns))).to.deep.equal([]);
    });
  }

  for (const name of cases.filter((each) => goldenFile(each, 'expected-error.txt') !== undefined)) {
    it(`${name}: the same failure`, () => {
      const expected = (goldenFile(name, 'expected-error.txt') ?? '').trimEnd();

      const built = build(name);

      expect(built.ok).to.equal(false);
      const text = built.ok ? '' : built.error.text;
      expect(text.slice(0, sentenceLength(expected))).to.equal(expected.slice(0, sentenceLength(expected)));
      for (const culprit of culprits(expected)) expect(text).to.contain(culprit);
    });
  }
});

/** The fixed words up to the first culprit: those of the stage that failed. */
function sentenceLength(expected: string): number {
  const prefix =
    /^(?:agent-stack-k8s failed to (?:parse the job|build a podSpec for the job): (?:failed parsing (?:Kubernetes plugin|plugins): |failed to apply podSpec patch from (?:controller|k8s plugin): )?|Error fetching podTemplate ")/.exec(
      expected,
    );
  return prefix?.[0].length ?? expected.length;
}

/** What the reference's message blames: quoted names, container names, and the field behind Go's type words. */
function culprits(expected: string): string[] {
  const quoted = [...expected.matchAll(/"([^"]*)"/g)]
    .map(([, name]) => name ?? '')
    .filter((name) => name !== '' && !name.includes('│'));
  const field = /struct field \w+\.(\S+) of type/.exec(expected)?.[1]?.split('.').at(-1);
  const container = /for the (\S+) container/.exec(expected)?.[1];
  const resourceClass = /not found: (\w+)$/.exec(expected)?.[1];
  return [
    ...quoted,
    field === undefined ? undefined : field.charAt(0).toLowerCase() + field.slice(1),
    container,
    resourceClass,
  ].filter((name) => name !== undefined);
}
