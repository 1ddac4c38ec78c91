import type { SourceNode } from '../../pipeline/source-tree.js';
import { entriesOf, nodeAt } from '../nodes.js';

interface FileKind {
  readonly name: string;
  /** Keys at the top that all must be there. */
  readonly all?: readonly string[];
  /** Keys at the top of which one must be there. */
  readonly any?: readonly string[];
  /** A key in each of the mappings below the top, of which one at least must have it. */
  readonly inside?: string;
}

/** Files that people give to a pipeline linter by mistake; the first that fits names them. */
const KINDS: readonly FileKind[] = [
  { name: 'a Kubernetes manifest', all: ['apiVersion', 'kind'] },
  { name: 'a CircleCI configuration', all: ['version', 'jobs'], any: ['workflows', 'orbs', 'executors'] },
  { name: 'a CircleCI configuration', all: ['version', 'workflows'] },
  { name: 'a GitHub workflow', all: ['jobs'], any: ['on', 'true', 'permissions', 'concurrency'] },
  { name: 'a GitHub action', all: ['runs', 'name'] },
  { name: 'a docker-compose file', all: ['services'], any: ['version', 'volumes', 'networks', 'name', 'services'] },
  { name: 'a GitLab CI configuration', any: ['stages', 'before_script', 'workflow', 'include'], inside: 'script' },
  { name: 'a GitLab CI configuration', inside: 'script' },
  { name: 'the description of a Buildkite plugin (plugin.yml)', all: ['name'], any: ['configuration', 'requirements'] },
  { name: 'a Travis CI configuration', all: ['language'], any: ['script', 'install', 'jobs', 'matrix'] },
  { name: 'an Azure pipeline', any: ['pool', 'stages'], all: ['trigger', 'jobs'] },
  { name: 'a Bitbucket pipeline', all: ['pipelines'] },
  { name: 'a pre-commit configuration', all: ['repos'] },
  {
    name: 'a configuration of the controller',
    any: ['agent-token-secret', 'max-in-flight', 'pod-spec-patch', 'job-ttl'],
  },
  { name: 'a package.json', all: ['name'], any: ['dependencies', 'devDependencies', 'scripts'] },
];

/** What kind of file this is, when it is well known and not a pipeline. */
export function fileKind(root: SourceNode): string | undefined {
  const keys = new Set(entriesOf(root).map(({ key }) => key));
  const fits = ({ all = [], any, inside }: FileKind): boolean =>
    all.every((key) => keys.has(key)) &&
    (any === undefined || any.some((key) => keys.has(key))) &&
    (inside === undefined || entriesOf(root).some(({ value }) => nodeAt(value, [inside]) !== undefined));
  return KINDS.find(fits)?.name;
}

/** What kind of template a text is that cannot be read as YAML. */
export function templateKind(text: string): string | undefined {
  if (/\{%[-+ ]/.test(text) || /\{#.*#\}/.test(text)) return 'a Jinja template';
  if (/<%[=\- ]/.test(text)) return 'an ERB template';
  const isGo =
    /\{\{-?\s*(?:\.|if\b|range\b|end\b|else\b|with\b|define\b|template\b|include\b|toYaml\b|\$)/.test(text) ||
    /-\}\}/.test(text);
  if (isGo) return 'a Go template';
  return undefined;
}
