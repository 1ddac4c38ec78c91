import type { StepType } from '../../pipeline/step-attributes.js';
import { attributesOf, PIPELINE_ATTRIBUTES, stepAttribute } from '../../pipeline/step-attributes.js';
import { entryOf, type MapEntry, type SourceNode } from '../../pipeline/source-tree.js';
import { closestName } from '../../closest-name.js';
import type { LintDocument } from '../document.js';
import type { Fix } from '../finding.js';
import { entriesOf } from '../nodes.js';
import { isUnknown } from '../placeholder.js';
import { looksLikePlugin } from '../plugin/plugin-names.js';
import type { Found, RuleSet } from '../rule.js';
import { typoOf } from '../typo.js';
import { meantKind, OTHER_KINDS, type StepKind } from './step-kinds.js';
import { MEANT, NESTED_KEYS, type NestedKeys, OF_BUILD } from './step-key-tables.js';

/** Keys of steps that Buildkite does not know, or not on this kind of step. */
export const stepKeyRules: RuleSet = {
  rules: [
    {
      id: 'step/unknown-key',
      severity: 'error',
      fixable: true,
      summary: 'A step, or a part of it, has a key that Buildkite does not know.',
      why: 'Buildkite stores unknown keys and does nothing with them: the upload succeeds, and a mistyped time limit or concurrency group silently has no effect. A key that is nearly one that exists is an error, any other one a warning.',
      remedy:
        'Correct the spelling. What is meant for people or for anchors belongs at the top of the file, where all keys are free.',
    },
    {
      id: 'step/attribute-for-type',
      severity: 'warning',
      summary: 'A step has an attribute that means something on another kind of step only.',
      why: 'Buildkite ignores it without a word. Groups do not hand "env", "agents" or "plugins" down to their steps, and "plugins" even turns a trigger or wait step into a command step.',
      remedy: 'Write the attribute on the command steps; an anchor saves repeating it.',
    },
  ],
  checks: [
    { scope: 'file', check: stepKeys },
    { scope: 'file', check: pipelineKeys },
  ],
};

function* stepKeys(document: LintDocument): Iterable<Found> {
  for (const { step } of document.steps) {
    const { source } = step;
    const kind = meantKind(step.kind, source);
    for (const entry of entriesOf(source)) {
      // A plugin that was forgotten under "plugins" has a rule of its own.
      if (isUnknown(entry.key) || looksLikePlugin(entry)) continue;
      const found = stepKey(entry, { kind, source, document });
      if (found !== undefined) yield found;
    }
    for (const nested of NESTED_KEYS) yield* nestedKeys(source, nested, document);
  }
}

interface Place {
  readonly kind: StepKind;
  readonly source: SourceNode;
  readonly document: LintDocument;
}

function stepKey(entry: MapEntry, { kind, source, document }: Place): Found | undefined {
  if (kind === 'unknown') return unknownKey(entry, { known: KINDS, owner: 'a step', source, document, onlyNear: true });
  if (kind === 'trigger' && OF_BUILD.has(entry.key)) return ofBuild(entry);
  const attribute = stepAttribute(entry.key);
  if (attribute === undefined) {
    return unknownKey(entry, {
      known: attributesOf(kind),
      owner: `${kind === 'input' ? 'an' : 'a'} ${kind} step`,
      source,
      document,
    });
  }
  return attribute.on.includes(kind) ? undefined : misplaced(entry, kind);
}

function ofBuild({ key, keySpan }: MapEntry): Found {
  const isAttribute = stepAttribute(key) !== undefined;
  return {
    rule: isAttribute ? 'step/attribute-for-type' : 'step/unknown-key',
    severity: 'warning',
    at: keySpan,
    message: `"${key}" has no effect on a trigger step; write it under "build" for the build that it makes`,
  };
}

/** Keys that tell the kind of a step. */
const KINDS: readonly string[] = ['command', 'commands', 'plugins', ...OTHER_KINDS];

/** Whether a step of no known kind has a key that was meant to tell it, or one that another rule is about. */
export function hasMistypedKind(node: SourceNode): boolean {
  return entriesOf(node).some(
    (entry) => looksLikePlugin(entry) || typoOf(entry.key, [...KINDS, 'steps']) !== undefined || entry.key in MEANT,
  );
}

function misplaced({ key, keySpan }: MapEntry, kind: StepType): Found {
  const rule = 'step/attribute-for-type';
  const advice = kind === 'group' ? 'write it on the steps of the group, an anchor saves repeating it' : 'remove it';
  const message =
    key === 'plugins'
      ? `"plugins" makes a command step of this ${kind} step, so "${kind}" has no effect; ${advice}`
      : `"${key}" has no effect on a ${kind} step; ${advice}`;
  return { rule, at: keySpan, message };
}

interface UnknownKey {
  readonly known: readonly string[];
  /** e.g. `a command step`. */
  readonly owner: string;
  readonly source: SourceNode;
  readonly document: LintDocument;
  /** More keys may exist than we know: only a slip of the finger is told. */
  readonly onlyNear?: boolean | undefined;
  /** @default step/unknown-key */
  readonly rule?: string | undefined;
}

function unknownKey(entry: MapEntry, options: UnknownKey): Found | undefined {
  const { known, owner, source, document, onlyNear = false, rule = 'step/unknown-key' } = options;
  const { key, keySpan } = entry;
  const free = known.filter((name) => entryOf(source, name) === undefined);
  const meant = typoOf(key, free);
  if (meant !== undefined) {
    const message = `unknown key "${key}" in ${owner}; did you mean "${meant}"? Buildkite ignores it as it is`;
    return { rule, severity: 'error', at: keySpan, message, fix: rename(entry, meant, document) };
  }
  const hint = MEANT[key] ?? (forgottenColon(key, free) || suggestion(closestName(key, free)));
  if (onlyNear && !(key in MEANT)) return undefined;
  const said = `unknown key "${key}" in ${owner}; Buildkite ignores it`;
  return { rule, severity: 'warning', at: keySpan, message: hint === '' ? said : `${said}. ${hint}` };
}

/** `- label ":test: unit"` is one long key up to its second colon. */
function forgottenColon(key: string, known: readonly string[]): string {
  const [first = '', ...rest] = key.split(/\s/);
  return rest.length > 0 && known.includes(first) ? `write a colon behind "${first}"` : '';
}

function suggestion(name: string | undefined): string {
  return name === undefined ? '' : `did you mean "${name}"?`;
}

function rename({ key, keySpan }: MapEntry, to: string, { text }: LintDocument): Fix | undefined {
  // Only where the key stands as it reads: no quotes, no escapes.
  if (text.slice(keySpan.start, keySpan.end) !== key) return undefined;
  return { description: `rename it to "${to}"`, edits: [{ ...keySpan, text: to }] };
}

function* nestedKeys(source: SourceNode, nested: NestedKeys, document: LintDocument): Iterable<Found> {
  for (const node of reached(source, nested.path)) {
    if (nested.needs !== undefined && entryOf(node, nested.needs) === undefined) continue;
    for (const entry of entriesOf(node)) {
      if (nested.keys.includes(entry.key) || isUnknown(entry.key)) continue;
      const moved = nested.moved?.[entry.key];
      const found =
        moved === undefined
          ? unknownKey(entry, { ...nested, known: nested.keys, source: node, document })
          : movedKey(entry, moved);
      if (found !== undefined) yield found;
    }
  }
}

function movedKey({ key, keySpan }: MapEntry, to: string): Found {
  const message = `"${key}" does not belong here, so Buildkite ignores it; write it ${to}`;
  return { rule: 'step/unknown-key', at: keySpan, message };
}

/** The nodes at a path; `*` stands for each item of a list, and for the value itself when it is no list. */
function reached(node: SourceNode, path: readonly string[]): readonly SourceNode[] {
  return path.reduce<readonly SourceNode[]>(
    (nodes, segment) =>
      nodes.flatMap((each) => {
        if (segment !== '*') return entryOf(each, segment)?.value ?? [];
        return each.kind === 'list' ? each.items : [each];
      }),
    [node],
  );
}

function* pipelineKeys(document: LintDocument): Iterable<Found> {
  const known = Object.keys(PIPELINE_ATTRIBUTES);
  for (const root of document.roots) {
    if (entryOf(root, 'steps') === undefined) continue;
    const free = known.filter((name) => entryOf(root, name) === undefined);
    for (const entry of entriesOf(root)) {
      const meant = known.includes(entry.key) ? undefined : typoOf(entry.key, free);
      if (meant === undefined || /^[x._]/.test(entry.key) || isParking(entry, document)) continue;
      yield {
        rule: 'step/unknown-key',
        severity: 'warning',
        at: entry.keySpan,
        message: `unknown key "${entry.key}" in the pipeline; did you mean "${meant}"? Buildkite ignores it as it is`,
        fix: rename(entry, meant, document),
      };
    }
  }
}

/** A key at the top may hold what anchors repeat below. */
function isParking({ keySpan, value }: MapEntry, { text }: LintDocument): boolean {
  return text.slice(keySpan.end, value.end).includes('&');
}
