import { ConfigError, type ConfigProblem, formatProblem } from '../core/config/config-problem.js';
import { defaultConfig } from '../core/config/default-config.js';
import { UsageError } from '../core/errors.js';
import type { ClusterFacts } from '../core/lint/cluster-facts.js';
import type { Finding } from '../core/lint/finding.js';
import { readClusterFacts } from '../core/lint/read-cluster-facts.js';
import { type OwnRuleId, ownSeverity } from '../core/lint/rules/run.js';
import type { LintSettings } from '../core/lint/settings.js';
import { TextLines } from '../core/lint/text-lines.js';
import type { LintWorld } from '../core/lint/world.js';
import { parsePairs } from './pairs.js';
import { readNamedFile } from './render-inputs.js';

export interface WorldRequest {
  readonly settings: LintSettings;
  /** `key=value` each, from `--set`. */
  readonly set: readonly string[];
  /** `NAME=value` each, from `--env`. */
  readonly env: readonly string[];
  readonly envFiles: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Version of this program, e.g. `v0.1.0`. */
  readonly version: string;
}

export interface LoadedWorld {
  readonly world: Omit<LintWorld, 'neighbours'>;
  /** What is wrong with the configuration of the controller, and its text. */
  readonly findings: readonly Finding[];
  readonly sources: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/** Gathers what rules may know beside the files. Throws a `UsageError` for files that cannot be read and flags that make no sense. */
export async function loadWorld(request: WorldRequest): Promise<LoadedWorld> {
  const { settings } = request;
  const { config, ...loaded } = await loadController(request);
  const facts = await loadFacts(settings.facts);
  const world = {
    ...{ config, configName: loaded.configName, facts },
    versions: {
      agent: plainVersion('agent', settings.agentVersion),
      controller: plainVersion('controller', settings.controllerVersion),
      kubernetes: plainVersion('Kubernetes', settings.kubernetesVersion) ?? facts?.kubernetesVersion,
    },
    env: { ...(await readEnvFiles(request.envFiles)), ...parsePairs(request.env, '--env') },
    knownEnv: settings.knownEnv,
    interpolate: settings.interpolate,
    queues: settings.queues,
    imagesWithoutShell: settings.imagesWithoutShell,
    version: request.version,
  };
  return { ...loaded, world };
}

type LoadedController = Pick<LintWorld, 'config' | 'configName'> & Pick<LoadedWorld, 'findings' | 'sources' | 'notes'>;

async function loadController({ settings, set, environment }: WorldRequest): Promise<LoadedController> {
  const path = settings.config ?? environment['CONFIG'] ?? '';
  if (path !== '') return readController(path, { set, environment });
  const nothing = { configName: undefined, findings: [], sources: new Map<string, string>(), notes: [] };
  return set.length === 0 ? { ...nothing, config: defaultConfig() } : readController('', { set, environment });
}

/** An empty path is a configuration of `--set` alone. */
async function readController(
  path: string,
  { set, environment }: Pick<WorldRequest, 'set' | 'environment'>,
): Promise<LoadedController> {
  const text = path === '' ? '' : await readNamedFile(path);
  const sources = new Map(path === '' ? [] : [[path, text]]);
  // Not before it is needed: checking a configuration loads the types of Kubernetes.
  const { loadConfig } = await import('./load-config.js');
  const loaded = await loadConfig({ path, environment, settings: set });
  const problems = loaded.ok ? loaded.value.warnings : loaded.error;
  const elsewhere = problems.filter(({ origin }) => origin.layer !== 'file');
  const lines = new TextLines(text);
  const found = (rule: OwnRuleId): Finding[] => problems.flatMap((each) => configFinding(rule, each, lines) ?? []);
  if (loaded.ok) {
    const { config } = loaded.value;
    const notes = elsewhere.map(formatProblem);
    return { config, configName: path || '--set', findings: found('config/warning'), sources, notes };
  }
  if (elsewhere.length > 0) throw new ConfigError(problems);
  // A configuration that cannot be used tells nothing about the controller.
  return { config: defaultConfig(), configName: undefined, findings: found('config/invalid'), sources, notes: [] };
}

function configFinding(rule: OwnRuleId, { origin, message }: ConfigProblem, lines: TextLines): Finding | undefined {
  if (origin.layer !== 'file') return undefined;
  const start = lines.startOf(origin.line) + origin.column - 1;
  const word = /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:,#]+)/.exec(lines.lineAt(origin.line).slice(origin.column - 1))?.[0] ?? '';
  const span = { start, end: start + word.length };
  return {
    ...{ rule, severity: ownSeverity(rule), message, file: origin.file, ...lines.rangeOf(span) },
    ...{ related: [], fix: undefined, span, step: undefined, uses: 1 },
  };
}

async function loadFacts(path: string | undefined): Promise<ClusterFacts | undefined> {
  if (path === undefined) return undefined;
  const facts = readClusterFacts(await readNamedFile(path));
  if (!facts.ok) {
    const problems = facts.error.map(({ line, column, message }) => `  ${path}:${line}:${column}: ${message}`);
    throw new UsageError(['the facts cannot be used:', ...problems].join('\n'));
  }
  return facts.value;
}

/** `NAME=VALUE` lines; empty ones and those with `#` in front mean nothing, quotes around a value are not part of it. */
async function readEnvFiles(paths: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const all: Record<string, string> = {};
  for (const path of paths) {
    const lines = (await readNamedFile(path)).split(/\r?\n/).map((line) => line.trim().replace(/^export\s+/, ''));
    const pairs = parsePairs(
      lines.filter((line) => line !== '' && !line.startsWith('#')),
      `--env-file ${path}:`,
    );
    for (const [name, value] of Object.entries(pairs)) all[name] = value.replace(/^(["'])(.*)\1$/s, '$2');
  }
  return all;
}

/** Without a leading `v`. Throws a `UsageError` for what is no version: every rule would take it for an old one. */
function plainVersion(program: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const plain = text.replace(/^v(?=\d)/, '');
  if (/^\d+(?:\.\d+){1,2}(?:[-+].*)?$/.test(plain)) return plain;
  throw new UsageError(`the ${program} version "${text}" is none; write it as 1.2 or 1.2.3`);
}
