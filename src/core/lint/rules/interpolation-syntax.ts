import type { LintDocument } from '../document.js';
import type { Found, RuleSet } from '../rule.js';
import { type UploadSite, uploadSites } from '../text/upload-sites.js';
import { classOfUploadError, type UploadError, type UploadErrorClass, uploadErrors } from '../text/upload-text.js';
import type { LintWorld } from '../world.js';

/** Dollar signs that make the agent refuse the upload. */
export const interpolationSyntaxRules: RuleSet = {
  rules: [
    {
      id: 'interpolation/syntax',
      severity: 'error',
      fixable: true,
      summary: 'A dollar sign stands before something that is no variable of Buildkite.',
      why: 'The agent expands variables in every string of the pipeline before it uploads it, scripts included. What it cannot read, such as "$1", "$?" or "$@", makes the upload step fail, and no other step runs.',
      remedy: 'Double the dollar sign: "$$1" goes up as "$1". "$(" and a "$" at the very end need nothing.',
    },
    {
      id: 'interpolation/regex-dollar',
      severity: 'error',
      fixable: true,
      summary: 'The "$" that ends a regular expression of a condition is not doubled.',
      why: 'Conditions are expanded like every other string before the upload; "$/" is no variable, so the upload step fails.',
      remedy: 'Write "$$/". Pipelines that are uploaded with --no-interpolation keep the single "$".',
    },
    {
      id: 'interpolation/bash-expansion',
      severity: 'error',
      fixable: true,
      summary: 'An expansion that only bash knows is left to the upload.',
      why: 'The agent reads "${…}" before the shell does and knows defaults, demands, substrings and the removal of a prefix or suffix; arrays, indirection, replacement, case and length make the upload step fail.',
      remedy: 'Double the dollar sign: "$${FILES[@]}" goes up as "${FILES[@]}".',
    },
  ],
  checks: [{ scope: 'file', check: errors }],
};

function* errors(document: LintDocument, { interpolate }: LintWorld): Iterable<Found> {
  if (!interpolate || document.pipeline === undefined) return;
  for (const root of document.tree.documents) {
    for (const site of uploadSites(root, document.text, { keys: true })) {
      for (const error of uploadErrors(site.text)) yield found(site, error);
    }
  }
}

function found(site: UploadSite, error: UploadError): Found {
  const kind = classOfUploadError(error, fieldOf(site));
  const fix = site.insert('double the dollar sign', error.fixAt, '$');
  return {
    rule: `interpolation/${kind}`,
    at: site.locate(error.start, error.end),
    message: messageOf(kind, error, reader(site)),
    fix,
  };
}

/** The key whose value the text is, or is an item of. */
function fieldOf({ path }: UploadSite): string {
  const key = path.findLast((segment) => typeof segment === 'string');
  return typeof key === 'string' ? key : '';
}

/** Who is to see the dollar sign. */
function reader(site: UploadSite): string {
  return isScript(site) ? 'so that the shell sees' : 'for the text';
}

function isScript(site: UploadSite): boolean {
  return site.path.some((segment) => segment === 'command' || segment === 'commands' || segment === 'args');
}

function messageOf(kind: UploadErrorClass, error: UploadError, purpose: string): string {
  const { source, why } = error;
  const shown = shownSource(source);
  if (kind === 'regex-dollar') {
    return `"${shown}" makes the upload fail: a "$" in a regular expression must be written "$$" in a pipeline that is uploaded; write "$${shown}"`;
  }
  const doubled = error.fixAt.length === 0 ? 'double its dollar sign, outside of the default' : `write "$${shown}"`;
  if (kind === 'bash-expansion') {
    return `Buildkite's interpolation does not know "${shown}" (${why}), so the upload fails; ${doubled} to leave it to bash`;
  }
  return `"${shown}" is no variable that Buildkite can expand (${why}), so the upload fails; ${doubled} ${purpose} "${shown}"`;
}

const MAX_SHOWN = 40;

/** On one line, without a quote or blank at its end. */
function shownSource(source: string): string {
  const visible = /^\$[\s"']/.test(source) ? '$' : source;
  const line = visible.split('\n')[0] ?? '';
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
}
