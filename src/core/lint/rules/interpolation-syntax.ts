import type { LintDocument } from '../model/document.js';
import type { Found, RuleSet } from '../rule.js';
import { type UploadSite, uploadSites } from '../text/upload-sites.js';
import {
  classOfUploadError,
  type UploadError,
  type UploadErrorClass,
  uploadErrors,
  uploadVariables,
} from '../text/upload-text.js';
import { isOlder } from '../knowledge/versions.js';
import type { LintWorld } from '../world.js';

/** Dollar signs that make the agent refuse the upload. */
export const interpolationSyntaxRules: RuleSet = {
  rules: [
    {
      id: 'interpolation/syntax',
      severity: 'error',
      fixable: true,
      summary: 'A dollar sign stands before something that is no variable of Buildkite.',
      why: 'The agent expands variables in every string of the pipeline before it uploads it, scripts included. What it cannot read, such as "$1", "$?" or "$@", makes the upload step fail, and no other step runs. Agents from v3.90 on leave these alone and still refuse "${1}"; with --agent-version the linter knows.',
      remedy: 'Double the dollar sign: "$$1" goes up as "$1". "$(" and a "$" at the very end need nothing.',
    },
    {
      id: 'interpolation/regex-dollar',
      severity: 'error',
      fixable: true,
      summary: 'The "$" that ends a regular expression of a condition is not doubled.',
      why: 'Conditions are expanded like every other string before the upload; "$/" is no variable, so the upload step fails. Agents from v3.90 on leave it alone; with --agent-version the linter knows.',
      remedy: 'Write "$$/". Pipelines that are uploaded with --no-interpolation keep the single "$".',
    },
    {
      id: 'interpolation/bash-expansion',
      severity: 'error',
      fixable: true,
      summary: 'An expansion that only bash knows is left to the upload.',
      why: 'The agent reads "${…}" before the shell does and knows defaults, demands and substrings; the removal of a prefix or suffix, arrays, indirection, replacement, case and length make the upload step fail.',
      remedy: 'Double the dollar sign: "$${FILES[@]}" goes up as "${FILES[@]}".',
    },
  ],
  checks: [{ scope: 'file', check: errors }],
};

function* errors(document: LintDocument, world: LintWorld): Iterable<Found> {
  if (!world.interpolate || document.pipeline === undefined) return;
  const agent = agentOf(world);
  for (const root of document.tree.documents) {
    for (const site of uploadSites(root, document.text, { keys: true })) {
      yield* refusals(site, agent);
      yield* removals(site, agent);
    }
  }
}

function* refusals(site: UploadSite, agent: Agent): Iterable<Found> {
  for (const error of uploadErrors(site.text)) {
    if (isBraced(error) || agent !== 'lenient') yield found(site, error, agent);
  }
}

/** From this version on a `$` before anything but a letter or brace is only a dollar sign. */
const LENIENT = '3.90.0';

type Agent = 'strict' | 'lenient' | 'unknown';

function agentOf({ versions: { agent } }: LintWorld): Agent {
  if (agent === undefined) return 'unknown';
  return isOlder(agent, LENIENT) ? 'strict' : 'lenient';
}

function isBraced({ source }: UploadError): boolean {
  return source.startsWith('${');
}

function found(site: UploadSite, error: UploadError, agent: Agent): Found {
  const kind = classOfUploadError(error, fieldOf(site));
  const at = site.locate(error.start, error.end);
  // A shell, too, leaves the dollar sign of "a$|b" alone: what a new agent makes of it is what was meant.
  const harmless = agent === 'unknown' && kind === 'syntax' && /^\$[\s"'|).,;:%/\]}]$/.test(error.source);
  return {
    rule: `interpolation/${kind}`,
    at,
    explains: at,
    message: messageOf(kind, error, isScript(site)),
    fix: site.insert('double the dollar sign', error.fixAt, '$'),
    ...(harmless ? { severity: 'warning' as const } : {}),
  };
}

/** `${NAME#prefix}` and `${NAME%suffix}`: documented nowhere, and refused by the agents that we know. */
function* removals(site: UploadSite, agent: Agent): Iterable<Found> {
  for (const variable of uploadVariables(site.text)) {
    const { source, operator = '', start, end } = variable;
    if (!/^[#%]/.test(operator)) continue;
    yield {
      rule: 'interpolation/bash-expansion',
      severity: agent === 'unknown' ? 'info' : 'error',
      at: site.locate(start, end),
      message: `released agents do not know the operator "${operator}" of "${shownSource(source)}" and refuse the upload; write "$${shownSource(source)}" to leave it to the shell`,
      fix: site.text.includes(variable) ? site.insert('double the dollar sign', [start], '$') : undefined,
    };
  }
}

/** The key whose value the text is, or is an item of. */
function fieldOf({ path }: UploadSite): string {
  const key = path.findLast((segment) => typeof segment === 'string');
  return typeof key === 'string' ? key : '';
}

function isScript({ path }: UploadSite): boolean {
  return path.some((segment) => segment === 'command' || segment === 'commands' || segment === 'args');
}

function messageOf(kind: UploadErrorClass, error: UploadError, isForShell: boolean): string {
  const { source, why, fixAt } = error;
  const shown = shownSource(source);
  const failure = isBraced(error) ? 'so the upload fails' : `so the upload fails (agents before v${LENIENT})`;
  if (kind === 'regex-dollar') {
    return `the "$" of "${shown}" in this regular expression is no variable, ${failure}; write "$${shown}"`;
  }
  const doubled = fixAt.length === 0 ? 'double its dollar sign, outside of the default,' : `write "$${shown}"`;
  if (kind === 'bash-expansion') {
    return `Buildkite's interpolation does not know "${shown}" (${why}), ${failure}; ${doubled} to leave it to bash`;
  }
  const purpose = isForShell ? `so that the shell sees "${shown}"` : `for the text "${shown}"`;
  return `"${shown}" is no variable that Buildkite can expand (${why}), ${failure}; ${doubled} ${purpose}`;
}

const MAX_SHOWN = 40;

/** On one line, without a quote or blank at its end. */
function shownSource(source: string): string {
  const visible = /^\$[\s"']/.test(source) ? '$' : source;
  const line = visible.split('\n')[0] ?? '';
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
}
