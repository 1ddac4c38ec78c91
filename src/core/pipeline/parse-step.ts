import type { CommandStep, JsonValue, Step, StepBase, StepDefaults } from './pipeline.js';
import { describe, FieldReader, isNull } from './read-fields.js';
import {
  readAgents,
  readDependsOn,
  readMatrix,
  readPlugins,
  readRetry,
  readSecrets,
  readSkip,
  readSoftFail,
} from './read-step-fields.js';
import { entryOf, type ListNode, type MapNode, placeAt, type PipelineProblem, type SourceNode } from './source-tree.js';
import { stepAttribute } from './step-attributes.js';

/** What surrounds a step. */
export interface StepScope {
  readonly defaults: StepDefaults;
  readonly group: CommandStep['group'];
}

type StepKind = Step['kind'];

const KIND_BY_TYPE: ReadonlyMap<string, StepKind> = new Map([
  ['command', 'command'],
  ['commands', 'command'],
  ['script', 'command'],
  ['wait', 'wait'],
  ['waiter', 'wait'],
  ['block', 'block'],
  ['manual', 'block'],
  ['input', 'input'],
  ['trigger', 'trigger'],
  ['group', 'group'],
]);

/** In the order in which the agent looks for them: a step with `plugins` is a command step even if it also says `trigger`. */
const INFERENCE: readonly [string, StepKind][] = [
  ['command', 'command'],
  ['commands', 'command'],
  ['script', 'command'],
  ['plugins', 'command'],
  ['wait', 'wait'],
  ['waiter', 'wait'],
  ['block', 'block'],
  ['manual', 'block'],
  ['input', 'input'],
  ['trigger', 'trigger'],
  ['group', 'group'],
];

/** All steps of a list; positions are given by the caller. */
export function parseSteps(list: ListNode, scope: StepScope, problems: PipelineProblem[]): readonly Step[] {
  return list.items.flatMap((item) => {
    if (item.kind === 'map') return [parseMapStep(item, scope, problems)];
    if (isNull(item)) {
      const message = 'this step is empty; remove the dash';
      problems.push({ severity: 'warning', at: item.at, message, rule: 'step/type' });
      return [];
    }
    return [parseWordStep(item, problems)];
  });
}

function parseWordStep(node: SourceNode, problems: PipelineProblem[]): Step {
  const kind = node.kind === 'scalar' ? KIND_BY_TYPE.get(node.text) : undefined;
  const base = emptyBase(node);
  switch (kind) {
    case 'wait':
      return { ...base, kind, continueOnFailure: false };
    case 'block':
    case 'input':
      return { ...base, kind };
    default:
      problems.push({
        severity: 'error',
        at: node.at,
        message: `${describe(node)} is not a step; only "wait", "block" and "input" may stand alone`,
        rule: 'step/type',
      });
      return { ...base, kind: 'unknown' };
  }
}

function emptyBase(source: SourceNode): StepBase {
  return {
    position: 0,
    at: source.at,
    source,
    key: undefined,
    label: undefined,
    if: undefined,
    branches: [],
    dependsOn: undefined,
    allowDependencyFailure: false,
    skip: undefined,
    otherFields: {},
  };
}

function parseMapStep(written: MapNode, scope: StepScope, problems: PipelineProblem[]): Step {
  const kind = kindOf(written, problems);
  const node = unnest(written, kind, problems);
  const fields = new FieldReader(node, `${kind === 'unknown' ? '' : `${kind} `}step`, problems);
  const base = readBase(fields, problems);
  const step = READ_KIND[kind](base, { fields, scope, problems });
  const otherFields = fields.rest();
  if (kind !== 'unknown') warnUnknown(otherFields, node, problems);
  return { ...step, otherFields };
}

function kindOf(node: MapNode, problems: PipelineProblem[]): StepKind {
  const type = entryOf(node, 'type')?.value;
  if (type?.kind === 'scalar') {
    const kind = KIND_BY_TYPE.get(type.text);
    if (kind !== undefined) return kind;
    problems.push({
      severity: 'error',
      at: type.at,
      message: `step type "${type.text}" does not exist; the upload fails. use command, wait, block, input or trigger`,
      rule: 'step/type',
    });
    return 'unknown';
  }
  const inferred = INFERENCE.find(([key]) => entryOf(node, key) !== undefined)?.[1];
  if (inferred !== undefined) return inferred;
  const keys = node.entries.map((entry) => `"${entry.key}"`).join(', ');
  problems.push({
    severity: 'error',
    at: node.at,
    message: `this step is of no known type (it has ${keys === '' ? 'no keys' : keys}); give it "command", "plugins", "wait", "block", "input", "trigger" or "group"`,
    rule: 'step/type',
  });
  return 'unknown';
}

/** `- wait: {key: x}` and its like: the fields stand one level deeper. */
function unnest(node: MapNode, kind: StepKind, problems: PipelineProblem[]): MapNode {
  const keys = INFERENCE.flatMap(([key, of]) => (of === kind && key !== 'plugins' && kind !== 'group' ? [key] : []));
  const nested = keys.map((key) => entryOf(node, key)).find((entry) => entry?.value.kind === 'map');
  if (nested?.value.kind !== 'map') return node;
  for (const entry of node.entries) {
    if (entry.key !== nested.key && entry.key !== 'type') {
      problems.push({
        severity: 'warning',
        at: entry.keyAt,
        message: `"${entry.key}" is ignored beside the nested "${nested.key}"`,
        rule: 'step/command-and-commands',
      });
    }
  }
  return nested.value;
}

function readBase(fields: FieldReader, problems: PipelineProblem[]): StepBase {
  return {
    ...emptyBase(fields.node),
    key: fields.string('key', 'id', 'identifier'),
    label: fields.string('label', 'name'),
    if: fields.string('if'),
    branches: fields.strings('branches').flatMap((pattern) => pattern.split(/\s+/).filter((word) => word !== '')),
    dependsOn: readDependsOn(fields, problems),
    allowDependencyFailure: fields.boolean('allow_dependency_failure', false),
    skip: readSkip(fields.take('skip')),
  };
}

interface ReadContext {
  readonly fields: FieldReader;
  readonly scope: StepScope;
  readonly problems: PipelineProblem[];
}

type KindReader = (base: StepBase, context: ReadContext) => Step;

const READ_KIND: Readonly<Record<StepKind, KindReader>> = {
  command: readCommand,
  group: readGroup,
  trigger: readTrigger,
  wait: (base, { fields }) => ({
    ...base,
    kind: 'wait',
    label: base.label ?? fields.string('wait', 'waiter'),
    continueOnFailure: fields.boolean('continue_on_failure', false),
  }),
  block: (base, { fields }) => ({ ...base, kind: 'block', label: base.label ?? fields.string('block', 'manual') }),
  input: (base, { fields }) => ({ ...base, kind: 'input', label: base.label ?? fields.string('input') }),
  unknown: (base) => ({ ...base, kind: 'unknown' }),
};

function readTrigger(base: StepBase, { fields, problems }: ReadContext): Step {
  return {
    ...base,
    kind: 'trigger',
    trigger: fields.string('trigger') ?? '',
    async: fields.boolean('async', false),
    softFail: readSoftFail(fields.take('soft_fail'), problems) ?? false,
  };
}

function readGroup(base: StepBase, { fields, scope, problems }: ReadContext): Step {
  const label = fields.string('group') ?? base.label;
  const steps = fields.take('steps');
  if (steps?.kind !== 'list') {
    problems.push({
      severity: 'error',
      at: steps?.at ?? base.at,
      message: `group "${label ?? base.key ?? ''}" needs a list of "steps"`,
      rule: 'step/type',
    });
  }
  const inner = { defaults: scope.defaults, group: { key: base.key, label } };
  return { ...base, kind: 'group', label, steps: steps?.kind === 'list' ? parseSteps(steps, inner, problems) : [] };
}

function readCommand(base: StepBase, { fields, scope, problems }: ReadContext): CommandStep {
  return {
    ...base,
    kind: 'command',
    command: fields.strings('commands', 'command', 'script').join('\n'),
    env: fields.stringMap('env'),
    agents: readAgents(fields),
    plugins: readPlugins(fields),
    image: fields.string('image'),
    secrets: readSecrets(fields),
    artifactPaths: fields
      .strings('artifact_paths')
      .flatMap((paths) => paths.split(';').filter((path) => path.trim() !== '')),
    timeoutInMinutes: fields.integer('timeout_in_minutes'),
    priority: fields.integer('priority'),
    parallelism: fields.integer('parallelism'),
    matrix: readMatrix(fields, problems),
    retry: readRetry(fields, problems),
    softFail: readSoftFail(fields.take('soft_fail'), problems) ?? false,
    concurrency: fields.integer('concurrency'),
    concurrencyGroup: fields.string('concurrency_group'),
    defaults: scope.defaults,
    group: scope.group,
  };
}

function warnUnknown(fields: Readonly<Record<string, JsonValue>>, node: MapNode, problems: PipelineProblem[]): void {
  for (const key of Object.keys(fields)) {
    if (stepAttribute(key) !== undefined) continue;
    problems.push({
      severity: 'warning',
      at: placeAt(node, [key]),
      message: `unknown step attribute "${key}"; Buildkite ignores it`,
      rule: 'step/unknown-key',
    });
  }
}
