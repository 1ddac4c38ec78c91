import { entryOf, type SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep, LintDocument } from '../document.js';
import type { Span } from '../finding.js';
import { nodeAt } from '../nodes.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { firstLineOf } from '../spans.js';
import { writtenContainers } from '../written-containers.js';

/** Steps that skip the checkout and need it. */
export const checkoutRules: RuleSet = {
  rules: [
    {
      id: 'checkout/skip-needs-repo',
      severity: 'warning',
      summary: 'A step skips the checkout and runs something of the repository.',
      why: 'With "checkout: {skip: true}" nothing is cloned: the workspace is empty and the command ends with "not found". Hooks of the repository do not run either.',
      remedy: 'Remove "skip", or get the files in another way first, e.g. with "buildkite-agent artifact download".',
    },
  ],
  checks: [{ scope: 'step', check: skipped }],
};

function* skipped(step: LintCommandStep, { document }: StepContext): Iterable<Found> {
  const skip = skipOf(step);
  if (skip === undefined || bringsFiles(step)) return;
  for (const node of commandNodes(step)) {
    const needed = node.kind === 'scalar' ? neededFile(node.text) : undefined;
    if (needed === 'brought') return;
    if (needed === undefined) continue;
    yield {
      rule: 'checkout/skip-needs-repo',
      at: placeOf(needed, node, document),
      message: `checkout is skipped, so "${needed}" finds an empty workspace and the command fails; remove "skip", or bring the files another way first`,
      related: [{ at: skip, message: 'nothing is cloned because of this' }],
    };
    return;
  }
}

function skipOf({ kubernetes, step }: LintCommandStep): Span | undefined {
  const config = kubernetes.at(-1)?.config;
  const entry = entryOf(nodeAt(config, ['checkout']), 'skip') ?? entryOf(nodeAt(step.source, ['checkout']), 'skip');
  // A quoted "true" is refused, which is another mistake.
  return entry?.value.kind === 'scalar' && entry.value.value === true ? entry.keySpan : undefined;
}

/** Another plugin, a volume or a working directory may hold what the command needs. */
function bringsFiles(step: LintCommandStep): boolean {
  if (step.plugins.length > step.kubernetes.length) return true;
  const places = [['extraVolumeMounts'], ['podSpec', 'initContainers'], ['podSpec', 'volumes'], ['podTemplate']];
  return (
    step.kubernetes.some(({ config }) => places.some((path) => nodeAt(config, path) !== undefined)) ||
    writtenContainers(step).some(
      ({ node }) => entryOf(node, 'volumeMounts') !== undefined || entryOf(node, 'workingDir') !== undefined,
    )
  );
}

function commandNodes(step: LintCommandStep): readonly SourceNode[] {
  const { source } = step.step;
  const own = ['command', 'commands', 'script'].flatMap((name) => entryOf(source, name)?.value ?? []);
  const inContainers = writtenContainers(step)
    .filter(({ role, within }) => role === 'command' && within === 'podSpec')
    .flatMap(({ node }) => entryOf(node, 'command')?.value ?? []);
  return [...own, ...inContainers].flatMap((node) => (node.kind === 'list' ? node.items : [node]));
}

/** Commands after which the workspace may hold anything. */
const BRINGS =
  /\bgit (?:clone|init|fetch|checkout|pull)\b|\b(?:curl|wget|tar|unzip|gunzip|rsync|scp|gsutil|rclone|svn|hg|oras|skopeo|cp|cat)\b|\bartifact download\b|\b(?:aws s3|gcloud storage|az storage|gh repo|gh release)\b|\bgo mod init\b|\bnpm init\b|\bnpx create|\bcargo (?:new|init)\b|<<|>\s*[\w./-]+|\b(?:cd|pushd)\s+["']?[/$~.-]/m;

/** Tools that read a file of the repository, in the folder they are started in. */
const TOOLS: readonly RegExp[] = [
  /^make(?:\s+(?!-C|-f)[\w./-]+)*\s*$/,
  /^(?:npm|pnpm)\s+(?:ci|test|t|run\s+\S+)(?!.*\s(?:--prefix|--dir|-C)\b)(?:\s|$)/,
  /^(?:npm|pnpm)\s+(?:install|i)(?:\s+--?(?!prefix|dir|global|g\b)\S+)*\s*$/,
  /^yarn(?:\s+(?:install|test|build|lint))?\s*$/,
  /^go\s+(?:run|test|build|vet|generate)\b.*(?:\.\/|\.$|\.\.\.)/,
  /^cargo\s+(?:test|build|check|clippy|fmt)\b/,
  /^(?:mvn|gradle|bundle exec|rake|tox|pytest|bazel (?:build|test))\b/,
  /^bundle\s+install\b/,
  /^pip3?\s+install\s+(?:-r\s|-e\s)/,
  /^docker\s+(?:buildx\s+)?build\b.*\s\.\s*$/,
  /^docker[ -]compose\s+(?!.*-f\s*["']?[/$~])(?:.*\s)?(?:up|run|build)\b/,
  /^buildkite-agent\s+pipeline\s+upload(?:\s+[\w.][^\s$]*)?\s*$/,
  /^kubectl\s+(?:apply|create|replace)\b.*\s-[fk]\s*["']?(?!https?:)[\w.]/,
  /^helm\s+(?:upgrade|install|lint|template|package|dep\w*)\b.*\s\.{1,2}\//,
  /^terraform\s+(?:init|plan|apply|validate)\b(?!.*-chdir=["']?[/$~])/,
  /^poetry\s+(?:install|run)\b/,
];
/** A script at a relative path, on its own or given to a shell. */
const SCRIPT =
  /^(?:(?:ba|z|da)?sh\s+(?:-[a-z]+\s+)*|source\s+|\.\s+|python3?\s+|node\s+|ruby\s+)?((?:\.{1,2}\/|[\w.-]+\/)[\w./-]+)(?=\s|$)/;

/** The first command that needs the repository; `brought` when something may have filled the workspace before it. */
function neededFile(text: string): string | undefined {
  for (const line of text.split('\n').flatMap((each) => each.split(/&&|\|\||;/))) {
    const command = line.trim().replace(/^(?:(?:sudo|exec|time|env|\w+=\S*)\s+)+/, '');
    if (command === '' || command.startsWith('#')) continue;
    if (BRINGS.test(command)) return 'brought';
    const script = SCRIPT.exec(command)?.[1];
    if (script !== undefined) return script;
    if (TOOLS.some((tool) => tool.test(command))) return command;
  }
  return undefined;
}

/** Where the command stands in the file; a folded text may hold it in other words, then the text begins there. */
function placeOf(needed: string, node: SourceNode, { text, lines }: LintDocument): Span {
  const start = text.indexOf(needed, node.start);
  return start >= 0 && start < node.end ? { start, end: start + needed.length } : firstLineOf(lines, node);
}
