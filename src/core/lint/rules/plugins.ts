import { isNull } from '../../pipeline/read-fields.js';
import { entryOf, type MapEntry, type SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep, LintDocument, LintPlugin } from '../document.js';
import { linesOf, renameKey, shift } from '../edits.js';
import type { Fix, Span } from '../finding.js';
import { entriesOf, itemsOf } from '../nodes.js';
import { fieldsOf, PLUGIN } from '../plugin/plugin-schema.js';
import {
  isPluginField,
  isStrayField,
  type Lookalike,
  lookalikeOf,
  looksLikePlugin,
  mayBePluginField,
} from '../plugin/plugin-names.js';
import type { Found, RuleSet, StepContext } from '../rule.js';

const CLONE =
  'The agent takes what it does not know for an ordinary plugin and tries to clone its repository, which does not exist: the job ends with exit status 128.';

/** The list of plugins of a step, and the kubernetes plugin's place in it. */
export const pluginsRules: RuleSet = {
  rules: [
    {
      id: 'plugins/split-item',
      severity: 'error',
      fixable: true,
      summary: 'A field of a plugin is indented as if it were a plugin itself.',
      why: `\`podSpec\` on the level of \`kubernetes\` is a second plugin of that name, and the kubernetes plugin is empty. The pod is the default one. ${CLONE}`,
      remedy: 'Indent the field two spaces more, below `kubernetes:`.',
    },
    {
      id: 'plugins/kubernetes-version',
      severity: 'error',
      fixable: true,
      summary: 'The kubernetes plugin has a version.',
      why: `The kubernetes plugin is no repository but part of the controller, which knows it under its exact name only. ${CLONE}`,
      remedy: 'Write `kubernetes` without anything behind it.',
    },
    {
      id: 'plugins/kubernetes-name',
      severity: 'warning',
      fixable: true,
      summary: 'A plugin is called almost like the kubernetes plugin.',
      why: `The name is compared letter by letter, capitals included. ${CLONE}`,
      remedy: 'Write `kubernetes`.',
    },
    {
      id: 'kubernetes/empty',
      severity: 'warning',
      summary: 'The kubernetes plugin has no configuration.',
      why: 'Without fields it changes nothing: the job would run in the same pod without it. Often the fields have slipped out of it.',
      remedy: 'Remove it, or give it `podSpecPatch`, `podSpec` or another field.',
    },
    {
      id: 'plugins/kubernetes-twice',
      severity: 'error',
      summary: 'A step has the kubernetes plugin more than once.',
      why: 'The Go controller reads both into one value: mappings are merged and lists overwritten item by item, so that a container of the second may run the command of one of the first.',
      remedy: 'Write one kubernetes plugin with everything in it.',
    },
    {
      id: 'plugins/form',
      severity: 'info',
      summary: '`plugins` is not a list of plugins.',
      why: 'A mapping is the old form: it still works but cannot hold a plugin twice, and its order looks like an accident. Anything else than a list or a mapping is refused at upload (an error).',
      remedy: 'Write a list, one item for each plugin.',
    },
    {
      id: 'step/plugin-outside-plugins',
      severity: 'error',
      fixable: true,
      summary: 'A plugin stands directly on the step.',
      why: 'Steps have no such attribute. Buildkite ignores it, so the job runs without the plugin: in the default pod.',
      remedy: 'Write it as an item of the list under `plugins`.',
    },
  ],
  checks: [
    { scope: 'step', check: pluginNames },
    { scope: 'step', check: kubernetesTwice },
    { scope: 'step', check: emptyKubernetes },
    { scope: 'file', check: listForms },
    { scope: 'file', check: outsidePlugins },
  ],
};

function* pluginNames(
  { step, plugins, kubernetes }: LintCommandStep,
  { document: { text } }: StepContext,
): Iterable<Found> {
  for (const plugin of plugins) {
    const { use, config } = plugin;
    if (isPluginField(use.name) || (kubernetes.length > 0 && mayBePluginField(use.name))) {
      if (isFirstSlip(plugin, plugins)) yield splitItem(plugin, kubernetes, { text, step: step.source });
      continue;
    }
    const owner = slippedFrom(plugin, plugins);
    if (owner !== undefined) {
      yield slippedField(plugin, owner);
      continue;
    }
    const lookalike = lookalikeOf(use.name, config);
    if (lookalike !== undefined) yield misnamed(plugin, lookalike, text);
  }
}

function misnamed({ use, name, config }: LintPlugin, lookalike: Lookalike, text: string): Found {
  // Without fields it would be an empty plugin under its right name, too.
  const fix = config && renameKey(text, { keySpan: name, key: use.name }, 'kubernetes');
  if (lookalike === 'version') {
    const [version = ''] = /#.*$/s.exec(use.name) ?? [];
    const message = `the kubernetes plugin has no versions, so the controller ignores this one and the agent tries to clone a repository that does not exist; remove "${version}"`;
    return { rule: 'plugins/kubernetes-version', at: name, message, fix };
  }
  const message = `plugin "${use.name}" is not the controller's "kubernetes" plugin, which is known by exactly this name, so the agent tries to clone it as a repository; write "kubernetes"`;
  return { rule: 'plugins/kubernetes-name', at: name, message, fix };
}

/** Several fields beside one another have slipped together. */
function isFirstSlip({ use }: LintPlugin, plugins: readonly LintPlugin[]): boolean {
  const item = itemOf(use);
  const first = plugins.find(
    (other) => other.entry !== undefined && mayBePluginField(other.use.name) && itemOf(other.use) === item,
  );
  return first === undefined || first.use === use;
}

/** The empty plugin in front of a name with a value that no plugin has: `docker#v5:` with `image: alpine` beside it. */
function slippedFrom({ use, config }: LintPlugin, plugins: readonly LintPlugin[]): LintPlugin | undefined {
  const item = itemOf(use);
  const [owner, ...others] = plugins.filter((other) => other.entry !== undefined && itemOf(other.use) === item);
  const slipped = others.find(
    (other) => other.config !== undefined && (other.config.kind !== 'map' || mayBePluginField(other.use.name)),
  );
  const isField = slipped?.use === use && config?.kind !== 'map' && !/[#/]/.test(use.name);
  return isField && owner?.config === undefined ? owner : undefined;
}

function slippedField({ use, name }: LintPlugin, owner: LintPlugin): Found {
  return {
    rule: 'plugins/split-item',
    at: name,
    message: `"${use.name}" stands here as a plugin of its own, whose configuration must be a mapping, so the job fails before its command; indent it two spaces more, under "${owner.use.name}"`,
    related: [{ at: owner.name, message: 'the plugin without its configuration' }],
  };
}

function itemOf({ path }: LintPlugin['use']): string {
  return path.slice(0, -1).join('.');
}

interface Surroundings {
  readonly text: string;
  readonly step: SourceNode;
}

function splitItem({ use, name }: LintPlugin, kubernetes: readonly LintPlugin[], { text, step }: Surroundings): Found {
  const owner = kubernetes.find((other) => itemOf(other.use) === itemOf(use));
  const above =
    kubernetes.length > 0 ? 'write it without the dash as a field of "kubernetes"' : 'write it under "- kubernetes:"';
  const where = owner === undefined ? above : 'indent it two spaces more, under "kubernetes"';
  return {
    rule: 'plugins/split-item',
    at: name,
    message: `"${use.name}" stands here as a plugin of its own, so the kubernetes plugin does not have it and the agent tries to clone a repository of that name; ${where}`,
    related: owner === undefined ? [] : [{ at: owner.name, message: 'the kubernetes plugin' }],
    fix: owner === undefined ? undefined : indentSlipped(owner, { text, step }),
  };
}

function isField(key: string): boolean {
  return Object.hasOwn(fieldsOf(PLUGIN), key);
}

/** Indents the fields that follow an empty `kubernetes:` in the same item. */
function indentSlipped({ use, config, entry }: LintPlugin, { text, step }: Surroundings): Fix | undefined {
  let around: SourceNode | undefined = step;
  for (const segment of use.path.slice(0, -1)) {
    around = typeof segment === 'number' ? itemsOf(around)[segment] : entryOf(around, segment)?.value;
  }
  const fields = entriesOf(around).filter((other) => other !== entry && isField(other.key));
  const others = entriesOf(around).filter((other) => other !== entry && !isField(other.key));
  if (config !== undefined || isWritten(entry) || others.length > 0 || fields.length === 0) return undefined;
  const edits = fields.map((field) => {
    const lines = linesOf(text, field);
    return lines && { start: lines.start, end: lines.end, text: shift(lines.text, 2) };
  });
  const sure = edits.filter((edit) => edit !== undefined);
  return sure.length < edits.length ? undefined : { description: 'indent the fields under kubernetes', edits: sure };
}

/** `kubernetes: ~` has a value, below which nothing can stand. */
function isWritten(entry: MapEntry | undefined): boolean {
  return (
    entry?.value.kind === 'scalar' && entry.value.start < entry.value.end && entry.value.start !== entry.keySpan.start
  );
}

function* kubernetesTwice({ kubernetes }: LintCommandStep, { document }: StepContext): Iterable<Found> {
  // Without a configuration there is nothing to mix.
  const [first, ...others] = kubernetes.filter(({ config }) => config !== undefined);
  if (first === undefined) return;
  const { line } = document.lines.rangeOf(first.name);
  for (const { name } of others) {
    yield {
      rule: 'plugins/kubernetes-twice',
      at: name,
      message: `the kubernetes plugin appears twice in this step (also at line ${line}), and the Go controller mixes the two field by field; write one with everything in it`,
      related: [{ at: first.name, message: 'the other one' }],
    };
  }
}

function* emptyKubernetes({ kubernetes, plugins, step }: LintCommandStep): Iterable<Found> {
  const slipped = plugins.some(
    (plugin) => mayBePluginField(plugin.use.name) || slippedFrom(plugin, plugins) !== undefined,
  );
  if (slipped || hasOutside(step.source)) return;
  for (const { name } of kubernetes.filter(isEmpty)) {
    yield {
      rule: 'kubernetes/empty',
      at: name,
      message:
        'the kubernetes plugin is empty, so the job runs in the same pod as without it; remove it, or configure it',
    };
  }
}

function isEmpty({ config }: LintPlugin): boolean {
  return config === undefined || (config.kind === 'map' && config.entries.length === 0);
}

/** The fields of an empty plugin may have slipped even further, to the step. */
function hasOutside(step: SourceNode): boolean {
  return entriesOf(step).some(looksLikePlugin);
}

function* listForms({ steps, text }: LintDocument): Iterable<Found> {
  for (const { step } of steps) {
    const entry = step.kind === 'command' ? entryOf(step.source, 'plugins') : undefined;
    if (entry === undefined || isNull(entry.value)) continue;
    yield* listForm(entry, text);
  }
}

function* listForm({ keySpan, value }: MapEntry, text: string): Iterable<Found> {
  const rule = 'plugins/form';
  if (value.kind === 'map') {
    const message =
      'this mapping of plugins is the old form, which cannot hold a plugin twice; write a list, one item for each plugin';
    yield { rule, at: keySpan, message };
    return;
  }
  const wrong = value.kind === 'scalar' ? [value] : value.items.filter(isNoPlugin);
  for (const node of wrong) {
    const what = node.kind === 'list' ? 'a list' : text.slice(node.start, node.end).trim().slice(0, 60);
    const message = `"plugins" is a list of names and of mappings from a name to its configuration, not ${node.kind === 'list' ? 'of lists' : `"${what}"`}; Buildkite refuses the upload; write ${node.kind === 'list' ? 'its items directly below "plugins"' : `a list, e.g. [${what}]`}`;
    yield { rule, severity: 'error', at: node.kind === 'list' ? firstSpan(node, keySpan) : node, message };
  }
}

function isNoPlugin(node: SourceNode): boolean {
  return node.kind === 'list' || (node.kind === 'scalar' && node.value !== null && typeof node.value !== 'string');
}

function firstSpan(node: SourceNode, fallback: Span): Span {
  const [first] = itemsOf(node);
  return first?.kind === 'map' ? (first.entries[0]?.keySpan ?? fallback) : (first ?? fallback);
}

function* outsidePlugins({ steps, text }: LintDocument): Iterable<Found> {
  for (const { step } of steps) {
    const strays = entriesOf(step.source).filter(looksLikePlugin);
    for (const entry of strays) {
      const { message, name } = strayPlugin(entry.key);
      yield {
        rule: 'step/plugin-outside-plugins',
        at: entry.keySpan,
        message,
        fix: name !== entry.key || strays.length > 1 ? undefined : wrapInPlugins(text, entry, step.source),
      };
    }
  }
}

/** What a key of a step is, and the name that it has as a plugin. */
function strayPlugin(key: string): { readonly message: string; readonly name: string | undefined } {
  if (isStrayField(key))
    return {
      name: undefined,
      message: `"${key}" is a field of the kubernetes plugin, but it stands on the step, where Buildkite ignores it; write it under "plugins", below "- kubernetes:"`,
    };
  const isOther = key.includes('#') && lookalikeOf(key, undefined) === undefined;
  const name = isOther ? key : 'kubernetes';
  const called = name === key ? '' : ` as "${name}"`;
  return {
    name,
    message: `"${key}" is a plugin, but it stands on the step, where Buildkite ignores it; it belongs under "plugins"${called} as an item of the list`,
  };
}

function wrapInPlugins(text: string, entry: MapEntry, step: SourceNode): Fix | undefined {
  const lines = linesOf(text, entry);
  if (lines === undefined || entryOf(step, 'plugins') !== undefined || text.charAt(entry.value.start) === '{')
    return undefined;
  const body = shift(lines.text, 2);
  const pad = ' '.repeat(lines.indent);
  const [, ...rest] = [...body.split('\n')];
  const head = `${pad}- ${lines.text.split('\n')[0]?.trimStart() ?? ''}`;
  // Below the dash everything stands two columns further right than its key did.
  const block = [head, ...rest].join('\n');
  return {
    description: `put ${entry.key} into a list of plugins`,
    edits: [{ start: lines.start, end: lines.end, text: `${pad}plugins:\n${block}` }],
  };
}
