import { type ControllerConfig, effectiveQueue } from '../../config/config.js';
import { isDefaultQueue, matchAgentTags, servesDefaultQueue } from '../../job/agent-tags.js';
import type { LintCommandStep, LintDocument } from '../document.js';
import type { Fix, Span } from '../finding.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { type AgentRule, agentsOf, queueOf, type StepAgents } from '../step-agents.js';
import { typoOf } from '../typo.js';
import type { LintWorld } from '../world.js';

/** Who takes the jobs of a step. */
export const routingRules: RuleSet = {
  rules: [
    {
      id: 'agents/queue',
      severity: 'error',
      fixable: true,
      summary: 'A step asks for a queue whose name is a slip of the finger away from one that exists.',
      why: 'Buildkite does not check queue names against agents: the job waits until somebody notices. With the configuration of the controller this is an error; without it the queues of the other steps and files are compared, and it is a warning.',
      remedy: 'Correct the name. Queues that exist can be listed in the settings of the linter.',
    },
    {
      id: 'agents/nobody-takes-it',
      severity: 'warning',
      needs: 'config',
      summary: 'A step is written for this controller, but asks for a queue or a tag that it does not have.',
      why: 'A controller takes a job only if it serves its queue and has every tag it asks for. It passes over all others, and says so in its own log only.',
      remedy: 'Ask for what the controller has, or add the tag to its configuration.',
    },
    {
      id: 'agents/plugin-without-k8s-queue',
      severity: 'warning',
      summary: 'A step uses the kubernetes plugin and names no queue.',
      why: 'The job goes to the default queue of the cluster. When an ordinary agent serves it, that agent looks for a repository of the plugin and fails with "failed to checkout plugin kubernetes".',
      remedy:
        'Name the queue of the controller under "agents"; agents of a step replace those of the pipeline as a whole.',
    },
  ],
  checks: [
    { scope: 'file', check: misspelt },
    { scope: 'step', check: taken },
    { scope: 'step', check: withoutQueue },
  ],
};

/** A queue that a file names, in all its places. */
interface NamedQueue {
  readonly name: string;
  readonly places: readonly AgentRule[];
}

function queuesOf(document: LintDocument): readonly NamedQueue[] {
  const found = new Map<string, Map<number, AgentRule>>();
  for (const step of document.commandSteps) {
    const queue = queueOf(agentsOf(step));
    if (queue === undefined || !queue.known || isDefaultQueue(queue.value)) continue;
    const places = found.get(queue.value) ?? new Map<number, AgentRule>();
    found.set(queue.value, places.set(queue.at.start, queue));
  }
  return [...found].map(([name, places]) => ({ name, places: [...places.values()] }));
}

/** A word of queue names that is mistyped more often than it is meant otherwise. */
const WELL_KNOWN = ['kubernetes', 'default'];

function* misspelt(document: LintDocument, world: LintWorld): Iterable<Found> {
  const named = queuesOf(document);
  for (const queue of named) {
    const meant = meantQueue(queue, named, world);
    if (meant === undefined) continue;
    for (const place of queue.places) {
      yield {
        rule: 'agents/queue',
        severity: meant.certain ? 'error' : 'warning',
        at: place.at,
        message: `${meant.said} "${queue.name}", so the jobs would wait for ever; did you mean "${meant.name}"?`,
        fix: replace(place, { from: queue.name, to: meant.name, text: document.text }),
      };
    }
  }
}

interface Meant {
  readonly name: string;
  readonly certain: boolean;
  readonly said: string;
}

function meantQueue(queue: NamedQueue, named: readonly NamedQueue[], world: LintWorld): Meant | undefined {
  const { configName, config, queues } = world;
  const { name } = queue;
  if (queues.includes(name) || (configName !== undefined && name === effectiveQueue(config))) return undefined;
  const isServed = configName !== undefined && !servesDefaultQueue(config);
  const own = isServed ? typoOf(name, [effectiveQueue(config)]) : undefined;
  if (own !== undefined) return { name: own, certain: true, said: 'no controller serves queue' };
  const listed = typoOf(name, queues);
  if (listed !== undefined) return { name: listed, certain: false, said: 'no queue is listed in the settings as' };
  return meantByOthers(queue, named, world);
}

function meantByOthers(
  { name, places }: NamedQueue,
  named: readonly NamedQueue[],
  { neighbours }: LintWorld,
): Meant | undefined {
  // What is written several times, or in several files, is a name.
  if (places.length > 1 || (neighbours.queues.get(name) ?? 1) > 1) return undefined;
  const word = misspeltWord(name);
  if (word !== undefined) return { name: word, certain: false, said: 'nobody is likely to serve queue' };
  const here = named.filter((other) => other.places.length > 1 || isBefore(other, places));
  const elsewhere = [...neighbours.queues.keys()].filter((other) => !named.some((own) => own.name === other));
  const right = [...here.map((other) => other.name), ...elsewhere].filter((other) => misspeltWord(other) === undefined);
  const other = typoOf(name, right);
  return other === undefined ? undefined : { name: other, certain: false, said: 'no other step names queue' };
}

/** Of two names that are written once each, the first is taken for the right one. */
function isBefore({ places }: NamedQueue, than: readonly AgentRule[]): boolean {
  return (places[0]?.at.start ?? 0) < (than[0]?.at.start ?? 0);
}

/** The name with a mistyped well-known word in it corrected. */
function misspeltWord(name: string): string | undefined {
  for (const [part] of name.matchAll(/[A-Za-z0-9]+/g)) {
    if (WELL_KNOWN.includes(part.toLowerCase())) continue;
    const word = typoOf(part, WELL_KNOWN);
    // "defaults" and "kubernete" are slips, "k8s" is not near.
    if (word !== undefined && part !== `${word}s`) return name.replace(part, word);
  }
  return undefined;
}

function replace(
  { node }: AgentRule,
  { from, to, text }: { readonly from: string; readonly to: string; readonly text: string },
): Fix | undefined {
  const raw = text.slice(node.start, node.end);
  const at = raw.lastIndexOf(from);
  if (at < 0 || raw.indexOf(from) !== at) return undefined;
  const start = node.start + at;
  return { description: `write "${to}"`, edits: [{ start, end: start + from.length, text: to }] };
}

function* taken(step: LintCommandStep, { world }: StepContext): Iterable<Found> {
  if (world.configName === undefined) return;
  const agents = agentsOf(step);
  const queue = queueOf(agents);
  if (queue?.known === false) return;
  const usesPlugin = step.kubernetes.length > 0;
  if (queue !== undefined && !servesUs(queue, world.config)) {
    if (usesPlugin) yield* anotherQueue(queue, world);
    return;
  }
  // Without plugin and queue it is not known whether the step is meant for this controller.
  if (queue !== undefined || usesPlugin) yield* missingTags(agents, world);
}

function* anotherQueue({ value, at }: AgentRule, { config, configName, queues }: LintWorld): Iterable<Found> {
  const own = effectiveQueue(config);
  if (queues.includes(value) || typoOf(value, [own]) !== undefined) return;
  const message = `the controller of "${configName ?? ''}" serves queue "${own}", not queue "${value}", so it does not take this step; if no other controller does, the jobs wait for ever`;
  yield { rule: 'agents/nobody-takes-it', at, message };
}

function servesUs(queue: AgentRule, config: ControllerConfig): boolean {
  // The default queue of a cluster may have any name.
  return servesDefaultQueue(config) || queue.value === effectiveQueue(config);
}

function* missingTags({ rules }: StepAgents, { config, configName }: LintWorld): Iterable<Found> {
  for (const { key, value, at, known } of rules) {
    if (!known || key === 'queue') continue;
    const why = matchAgentTags([`${key}=${value}`], config);
    if (why === undefined) continue;
    yield {
      rule: 'agents/nobody-takes-it',
      at,
      message: `${why.replace('this controller', `the controller of "${configName ?? ''}"`)}; it passes over the job, which waits for ever unless another agent has the tag`,
    };
  }
}

function* withoutQueue(step: LintCommandStep, { document, world }: StepContext): Iterable<Found> {
  const [plugin] = step.kubernetes;
  const agents = agentsOf(step);
  const isServed = world.configName !== undefined && mayServeDefaultQueue(world.config);
  if (plugin === undefined || isServed || mayNameQueue(agents)) return;
  const lost = lostQueue(step, agents);
  const isSure = lost !== undefined || world.configName !== undefined || othersNameQueue(document);
  yield {
    rule: 'agents/plugin-without-k8s-queue',
    severity: isSure ? 'warning' : 'info',
    at: placeOfAgents(agents) ?? plugin.name,
    message: `${whyNoQueue(lost)}; on the default queue an ordinary agent may take it, which cannot run the plugin. name the controller's queue under "agents"`,
  };
}

/** Most clusters call their default queue just that. */
function mayServeDefaultQueue(config: ControllerConfig): boolean {
  return servesDefaultQueue(config) || effectiveQueue(config) === 'default';
}

/** The queue of the pipeline that agents of the step's own replace. */
function lostQueue(step: LintCommandStep, { own }: StepAgents): AgentRule | undefined {
  return own ? queueOf(agentsOf(withoutOwn(step))) : undefined;
}

function placeOfAgents({ own, attribute }: StepAgents): Span | undefined {
  return own ? attribute : undefined;
}

function whyNoQueue(lost: AgentRule | undefined): string {
  if (lost === undefined) return 'this step uses the kubernetes plugin but names no queue';
  return `the agents of this step replace those of the pipeline, so queue "${lost.value}" is lost`;
}

/** A tag of which nothing is known may be the queue; the resource class is none. */
function mayNameQueue(agents: StepAgents): boolean {
  return queueOf(agents) !== undefined || agents.rules.some(({ key, known }) => !known && key !== 'resource_class');
}

function withoutOwn(step: LintCommandStep): LintCommandStep {
  const { source } = step.step;
  const entries = source.kind === 'map' ? source.entries.filter(({ key }) => !key.startsWith('agent')) : [];
  return source.kind === 'map' ? { ...step, step: { ...step.step, source: { ...source, entries } } } : step;
}

/** Asked for every step, answered once for a file. */
const QUEUE_IS_NAMED = new WeakMap<LintDocument, boolean>();

function othersNameQueue(document: LintDocument): boolean {
  const known = QUEUE_IS_NAMED.get(document);
  if (known !== undefined) return known;
  const isNamed = document.commandSteps.some(
    (step) => step.kubernetes.length > 0 && queueOf(agentsOf(step)) !== undefined,
  );
  QUEUE_IS_NAMED.set(document, isNamed);
  return isNamed;
}
