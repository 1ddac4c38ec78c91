import { isReservedContainerName } from '../../job/identity.js';
import { entryOf, type MapEntry, type SourceNode } from '../../pipeline/source-tree.js';
import { commandContainerTexts, isOpen } from '../command-containers.js';
import type { LintCommandStep } from '../document.js';
import { entriesOf, knownText, mapsIn, nodeAt } from '../nodes.js';
import type { Found, RuleSet } from '../rule.js';
import { writtenContainers } from '../written-containers.js';

/** Environment variables that do not arrive as written. */
export const envRules: RuleSet = {
  rules: [
    {
      id: 'env/agent-variable',
      severity: 'warning',
      summary: 'A variable that belongs to the agent is set where the agent ignores it.',
      why: "The agent protects the variables that configure it: a value from the pipeline is thrown away with a line in the log of the job. Others are set by the controller on each container, after the author's.",
      remedy:
        'Use the setting of the controller\'s "agent-config" or of the plugin ("checkout.gitMirrors", …). BUILDKITE_SHELL can be set in the env of a container (agent 3.131 and later).',
    },
    {
      id: 'env/both-places',
      severity: 'info',
      summary: 'A variable has one value in the step and another one in the container.',
      why: "Which of the two wins depends on the version of the agent: since 3.127.1 the job's value wins, before it was the container's.",
      remedy: 'Set it in one place.',
    },
  ],
  checks: [
    { scope: 'step', check: agentVariables },
    { scope: 'step', check: bothPlaces },
  ],
};

/** What only the agent's own configuration can set, with the place that does. */
const PROTECTED: Readonly<Record<string, string>> = {
  BUILDKITE_AGENT_ACCESS_TOKEN: '',
  BUILDKITE_AGENT_DEBUG: '',
  BUILDKITE_AGENT_ENDPOINT: '"agent-config.endpoint"',
  BUILDKITE_AGENT_PID: '',
  BUILDKITE_BIN_PATH: '',
  BUILDKITE_BUILD_PATH: '',
  BUILDKITE_CHECKOUT_ATTEMPTS: '',
  BUILDKITE_COMMAND_EVAL: '"agent-config.no-command-eval"',
  BUILDKITE_CONFIG_PATH: '',
  BUILDKITE_CONTAINER_COUNT: '',
  BUILDKITE_GIT_MIRRORS_LOCK_TIMEOUT: '"checkout.gitMirrors.lockTimeout"',
  BUILDKITE_GIT_MIRRORS_PATH: '"checkout.gitMirrors.path"',
  BUILDKITE_HOOKS_PATH: '"agent-config.hooks-path"',
  BUILDKITE_HOOKS_SHELL: "the container's env",
  BUILDKITE_KUBERNETES_EXEC: '',
  BUILDKITE_LOCAL_HOOKS_ENABLED: '"agent-config.no-local-hooks"',
  BUILDKITE_PLUGINS_ENABLED: '"agent-config.no-plugins"',
  BUILDKITE_PLUGINS_PATH: '"agent-config.plugins-path"',
  BUILDKITE_SHELL: 'the container\'s env or "agent-config.shell"',
  BUILDKITE_SSH_KEYSCAN: '',
};

/** What the controller sets on each command container, after the author's variables. */
const CONTROLLERS = new Set([
  'BUILDKITE_COMMAND',
  'BUILDKITE_CONTAINER_ID',
  'BUILDKITE_BOOTSTRAP_PHASES',
  'BUILDKITE_SOCKETS_PATH',
]);

function* agentVariables(step: LintCommandStep): Iterable<Found> {
  for (const { key, keySpan } of jobEnv(step)) {
    const place = PROTECTED[key];
    if (place === undefined) continue;
    yield {
      rule: 'env/agent-variable',
      at: keySpan,
      message: `"${key}" cannot be set from the pipeline: the agent ignores it and keeps its own value; ${place === '' ? 'remove it' : `set it in ${place}`}`,
    };
  }
  for (const { node, name } of writtenContainers(step)) {
    if (isReservedContainerName(name)) continue;
    yield* controllersVariables(node);
  }
}

function* controllersVariables(container: SourceNode): Iterable<Found> {
  for (const item of mapsIn(nodeAt(container, ['env']))) {
    const name = nodeAt(item, ['name']);
    const text = knownText(name);
    if (name === undefined || text === undefined || !CONTROLLERS.has(text)) continue;
    yield {
      rule: 'env/agent-variable',
      at: name,
      message: `"${text}" belongs to the controller, which sets it after this one, so this value is never used; remove it`,
    };
  }
}

/** Variables of the step, then of the pipeline; `env` of a step may also be a list of `NAME=value`, which has no keys. */
function jobEnv({ step, root }: LintCommandStep): readonly MapEntry[] {
  return [step.source, root].flatMap((node) => entriesOf(entryOf(node, 'env')?.value));
}

/** Names of which the container's value always wins. */
const CONTAINER_WINS =
  /^(?:HOME|HOSTNAME|PATH|PWD|SHLVL|TERM|KUBERNETES_.*|BUILDKITE_(?:SHELL|HOOKS_SHELL|JOB_CONTEXT_DIR|COMMAND|CONTAINER_ID|BOOTSTRAP_PHASES|SOCKETS_PATH))$/;

function* bothPlaces(step: LintCommandStep): Iterable<Found> {
  const inJob = new Map([...jobEnv(step)].reverse().map((entry) => [entry.key, entry] as const));
  if (inJob.size === 0) return;
  const items = commandContainerTexts(step).flatMap(({ node }) => mapsIn(nodeAt(node, ['env'])));
  for (const item of items) {
    const name = nodeAt(item, ['name']);
    const text = knownText(name) ?? '';
    const other = inJob.get(text);
    if (name === undefined || other === undefined || CONTAINER_WINS.test(text) || !differ(other.value, item)) continue;
    yield {
      rule: 'env/both-places',
      at: name,
      message: `"${text}" has another value in the env of the ${isOfStep(step, other) ? 'step' : 'pipeline'}; which one the command sees depends on the version of the agent; set it in one place`,
      related: [{ at: other.keySpan, message: 'the other value' }],
    };
  }
}

function isOfStep({ step }: LintCommandStep, entry: MapEntry): boolean {
  return entriesOf(nodeAt(step.source, ['env'])).includes(entry);
}

/** Whether two places surely hold different values. */
function differ(inJob: SourceNode, item: SourceNode): boolean {
  if (nodeAt(item, ['valueFrom']) !== undefined) return true;
  const value = nodeAt(item, ['value']);
  const [job, container] = [knownText(inJob), knownText(value)];
  if (job === undefined || container === undefined || isOpen(job) || isOpen(container)) return false;
  return job !== container;
}
