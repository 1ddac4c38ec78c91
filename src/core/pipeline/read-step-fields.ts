import type {
  AutomaticRetry,
  Matrix,
  MatrixAdjustment,
  PluginUse,
  Retry,
  SoftFail,
  StepDependency,
} from './pipeline.js';
import { pluginSource } from './plugin-source.js';
import { describe, FieldReader, isNull } from './read-fields.js';
import { entryOf, type MapNode, type PipelineProblem, type SourceNode, valueOf } from './source-tree.js';

/** `depends_on`: a key, a list of keys and `{step, allow_failure}`, or null. */
export function readDependsOn(fields: FieldReader, problems: PipelineProblem[]): readonly StepDependency[] | undefined {
  const node = fields.take('depends_on');
  if (node === undefined) return undefined;
  if (isNull(node)) return [];
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item): StepDependency[] => {
    if (item.kind === 'scalar') return isNull(item) ? [] : [{ step: item.text, allowFailure: false }];
    if (item.kind === 'map') {
      const inner = new FieldReader(item, 'dependency', problems);
      const step = inner.string('step');
      if (step !== undefined) return [{ step, allowFailure: inner.boolean('allow_failure', false) }];
    }
    fields.error(item, `"depends_on" needs step keys or {step: key, allow_failure: true}, not ${describe(item)}`);
    return [];
  });
}

/** `skip`: true, a reason, or not at all (false, empty, absent). */
export function readSkip(node: SourceNode | undefined): string | undefined {
  if (node?.kind !== 'scalar' || node.value === null) return undefined;
  if (node.text === '' || node.text === 'false') return undefined;
  return node.text === 'true' ? 'skip: true' : node.text;
}

/** `agents`: a mapping, a list of `key=value`, or one `key=value`. */
export function readAgents(fields: FieldReader): readonly string[] | undefined {
  const node = fields.take('agents');
  if (node === undefined || isNull(node)) return undefined;
  if (node.kind === 'map') {
    return node.entries.flatMap((entry) => {
      const text = fields.scalarText(entry.value, `agents.${entry.key}`);
      return text === undefined ? [] : [`${entry.key}=${text}`];
    });
  }
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item) => {
    if (item.kind === 'map')
      return item.entries.map((entry) => `${entry.key}=${fields.scalarText(entry.value, `agents.${entry.key}`) ?? ''}`);
    return fields.scalarText(item, 'agents') ?? [];
  });
}

/** `secrets`: a list of names, or variable → name. */
export function readSecrets(fields: FieldReader): Readonly<Record<string, string>> {
  const node = fields.take('secrets');
  if (node === undefined || isNull(node)) return {};
  if (node.kind === 'map') {
    return Object.fromEntries(
      node.entries.map((entry) => [entry.key, fields.scalarText(entry.value, `secrets.${entry.key}`) ?? '']),
    );
  }
  const items = node.kind === 'list' ? node.items : [node];
  return Object.fromEntries(
    items.flatMap((item): [string, string][] => {
      const name =
        item.kind === 'map'
          ? (new FieldReader(item, 'secret', []).string('key') ?? '')
          : (fields.scalarText(item, 'secrets') ?? '');
      return name === '' ? [] : [[name, name]];
    }),
  );
}

/** `plugins`: a list of names and `{name: config}`, or (deprecated) one mapping of them; order is kept. */
export function readPlugins(fields: FieldReader): readonly PluginUse[] {
  const node = fields.take('plugins');
  if (node === undefined || isNull(node)) return [];
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item, index): PluginUse[] => {
    const path = node.kind === 'list' ? ['plugins', index] : ['plugins'];
    if (item.kind === 'map')
      return item.entries.map(({ key, value }) => pluginUse(key, valueOf(value), [...path, key]));
    if (item.kind === 'scalar' && !isNull(item) && node.kind === 'list') return [pluginUse(item.text, null, path)];
    fields.error(
      item,
      `"plugins" must be a list of plugins, and each of them a name or a mapping of one name to its configuration, not ${describe(item)}`,
      'plugins/form',
    );
    return [];
  });
}

function pluginUse(name: string, config: PluginUse['config'], path: PluginUse['path']): PluginUse {
  return { name, source: pluginSource(name), config, path };
}

/** `soft_fail`: a boolean or a list of `{exit_status}`; undefined when absent. */
export function readSoftFail(node: SourceNode | undefined, problems: PipelineProblem[]): SoftFail | undefined {
  if (node === undefined || isNull(node)) return undefined;
  if (node.kind === 'scalar') {
    if (node.text !== 'true' && node.text !== 'false' && !node.text.includes('$')) {
      problems.push({
        severity: 'error',
        at: node.at,
        message: `"soft_fail" must be true, false or a list of {exit_status: n}, not ${describe(node)}`,
      });
    }
    return node.text === 'true';
  }
  const items = node.kind === 'list' ? node.items : [node];
  const statuses = items.flatMap((item) =>
    item.kind === 'map' ? readExitStatus(item, problems) : exitNumbers(item, problems),
  );
  return statuses.includes('*') ? true : statuses.filter((status) => status !== '*');
}

function readExitStatus(item: MapNode, problems: PipelineProblem[]): readonly (number | '*')[] {
  const value = entryOf(item, 'exit_status')?.value;
  return value === undefined ? ['*'] : exitNumbers(value, problems);
}

function exitNumbers(node: SourceNode, problems: PipelineProblem[]): readonly (number | '*')[] {
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item): (number | '*')[] => {
    const text = item.kind === 'scalar' ? item.text : '';
    if (text === '*') return ['*'];
    if (/^[-+]?\d+$/.test(text)) return [Number(text)];
    problems.push({
      severity: 'error',
      at: item.at,
      message: `"exit_status" must be a number or "*", not ${describe(item)}`,
    });
    return [];
  });
}

/** `retry`, with the documented defaults: no automatic retry, manual retry allowed. */
export function readRetry(fields: FieldReader, problems: PipelineProblem[]): Retry {
  const node = fields.take('retry');
  const retry = node?.kind === 'map' ? new FieldReader(node, 'retry', problems) : undefined;
  if (node !== undefined && retry === undefined && !isNull(node)) {
    fields.error(node, `"retry" must be a mapping with "automatic" and "manual", not ${describe(node)}`);
  }
  return {
    automatic: readAutomatic(retry?.take('automatic'), problems),
    manual: readManual(retry?.take('manual'), problems),
  };
}

/** What `automatic: true` means. */
const RETRY_ALWAYS: AutomaticRetry = { exitStatus: '*', signal: '*', signalReason: '*', limit: 2 };

function readAutomatic(node: SourceNode | undefined, problems: PipelineProblem[]): readonly AutomaticRetry[] {
  if (node === undefined || isNull(node)) return [];
  if (node.kind === 'scalar') return node.text === 'true' ? [RETRY_ALWAYS] : [];
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item): AutomaticRetry[] => {
    if (item.kind !== 'map') {
      problems.push({
        severity: 'error',
        at: item.at,
        message: `an automatic retry rule must be a mapping, e.g. {exit_status: -1, limit: 2}, not ${describe(item)}`,
      });
      return [];
    }
    const rule = new FieldReader(item, 'retry rule', problems);
    const statuses = rule.has('exit_status') ? readExitStatus(item, problems) : (['*'] as const);
    const numbers = statuses.filter((status) => status !== '*');
    return [
      {
        exitStatus: numbers.length === statuses.length ? numbers : '*',
        signal: oneOrMore(rule.strings('signal')),
        signalReason: oneOrMore(rule.strings('signal_reason')),
        limit: rule.integer('limit') ?? RETRY_ALWAYS.limit,
      },
    ];
  });
}

/** A list of one is that one; nothing is anything. */
function oneOrMore(texts: readonly string[]): string | readonly string[] {
  return texts.length > 1 ? texts : (texts[0] ?? '*');
}

function readManual(node: SourceNode | undefined, problems: PipelineProblem[]): Retry['manual'] {
  if (node?.kind !== 'map') {
    return { allowed: !(node?.kind === 'scalar' && node.text === 'false'), permitOnPassed: true, reason: undefined };
  }
  const manual = new FieldReader(node, 'manual retry', problems);
  return {
    allowed: manual.boolean('allowed', true),
    permitOnPassed: manual.boolean('permit_on_passed', true),
    reason: manual.string('reason'),
  };
}

/** `matrix`: a list, or `setup` (a list or named dimensions) with `adjustments`. */
export function readMatrix(fields: FieldReader, problems: PipelineProblem[]): Matrix | undefined {
  const node = fields.take('matrix');
  if (node === undefined || isNull(node)) return undefined;
  if (node.kind === 'list') return { setup: new Map([['', elements(node, problems)]]), adjustments: [] };
  if (node.kind === 'scalar') {
    fields.error(node, `"matrix" must be a list of elements or a mapping with "setup", not ${describe(node)}`);
    return undefined;
  }
  const setup = entryOf(node, 'setup')?.value;
  if (setup === undefined) {
    fields.error(node, '"matrix" needs "setup"; without it the upload is refused');
    return undefined;
  }
  const adjustments = entryOf(node, 'adjustments')?.value;
  return {
    setup: readSetup(setup, problems),
    adjustments:
      adjustments?.kind === 'list' ? adjustments.items.flatMap((item) => readAdjustment(item, problems)) : [],
  };
}

function readSetup(node: SourceNode, problems: PipelineProblem[]): Matrix['setup'] {
  if (node.kind !== 'map') return new Map([['', elements(node, problems)]]);
  return new Map(node.entries.map((entry) => [entry.key, elements(entry.value, problems)]));
}

function elements(node: SourceNode, problems: PipelineProblem[]): readonly string[] {
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item) => {
    if (item.kind === 'scalar') return [item.text];
    problems.push({
      severity: 'error',
      at: item.at,
      message: `a matrix element must be a string, number or boolean, not ${describe(item)}`,
    });
    return [];
  });
}

function readAdjustment(node: SourceNode, problems: PipelineProblem[]): MatrixAdjustment[] {
  const selection = entryOf(node, 'with')?.value;
  if (node.kind !== 'map' || selection === undefined) {
    problems.push({
      severity: 'error',
      at: node.at,
      message: 'a matrix adjustment needs "with", which names the combination it changes',
    });
    return [];
  }
  const chosen: [string, string][] =
    selection.kind === 'map'
      ? selection.entries.map((entry) => [entry.key, entry.value.kind === 'scalar' ? entry.value.text : ''])
      : elements(selection, problems).map((element) => ['', element]);
  return [
    {
      with: Object.fromEntries(chosen),
      skip: readSkip(entryOf(node, 'skip')?.value),
      softFail: readSoftFail(entryOf(node, 'soft_fail')?.value, problems),
    },
  ];
}
