import type { ScalarNode, SourceNode } from '../../pipeline/source-tree.js';
import type { ApiProblem } from '../api/api-problem.js';
import { validateJob } from '../api/validate-job.js';
import type { Fix } from '../finding.js';
import type { LintJob } from '../lint-job.js';
import { nodeAt } from '../nodes.js';
import { isUnknown } from '../placeholder.js';
import { type Origin, originOf } from '../provenance.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { BUILT_POD_RULES } from './built-pod-rules.js';

/** What a Kubernetes API server would say of the Job that the controller's own builder makes of a step. */
export const builtPodRules: RuleSet = {
  rules: BUILT_POD_RULES,
  checks: [
    { scope: 'job', check: apiProblems },
    { scope: 'job', check: notBuildable },
  ],
};

/** Rules that look at one value alone: they hold although the rest of the pod comes from a PodTemplate that nobody knows here. */
const OF_ONE_VALUE =
  /^(?:pod\/enum|resources\/.*|reference\/.*|metadata\/.*|env\/entry|volume\/(?:two-sources|sub-path))$/;

function* apiProblems(job: LintJob, { world, document }: StepContext): Iterable<Found> {
  if (job.manifest === undefined) return;
  const options = { kubernetesVersion: world.versions.kubernetes, isUnknown };
  const explained = explainedNodes(job);
  for (const problem of validateJob(job.manifest, options)) {
    if (job.baseUnknown && !OF_ONE_VALUE.test(problem.rule)) continue;
    const origin = originOf(job, problem.path);
    if (isExplained(origin, explained)) continue;
    yield toFound(job, { problem, origin, text: document.text });
  }
}

/** What a decode error leaves out is missing for a reason that has a finding already. */
function explainedNodes({ issues, step }: LintJob): ReadonlySet<SourceNode> {
  const config = step.kubernetes.at(-1)?.config;
  const paths = issues.flatMap(({ path }) => [path, path.slice(0, -1)]);
  return new Set(paths.flatMap((path) => nodeAt(config, path) ?? []));
}

function isExplained({ node, exact }: Origin, explained: ReadonlySet<SourceNode>): boolean {
  return explained.size > 0 && (!exact || (node !== undefined && explained.has(node)));
}

interface Located {
  readonly problem: ApiProblem;
  readonly origin: Origin;
  readonly text: string;
}

function toFound(job: LintJob, { problem, origin, text }: Located): Found {
  const { rule, message, relatedPath, verdict, replacement } = problem;
  const related = relatedPath === undefined ? undefined : originOf(job, relatedPath);
  const isElsewhere = related !== undefined && related.exact && related.at.start !== origin.at.start;
  return {
    rule,
    at: origin.at,
    message: origin.cause === '' ? message : `${message} (${origin.cause})`,
    ...(verdict === 'accepted' ? { severity: 'warning' } : {}),
    ...(isElsewhere ? { related: [{ at: related.at, message: 'the other one' }] } : {}),
    fix: replacement === undefined || !origin.exact ? undefined : replaceScalar(origin.node, { text, replacement }),
  };
}

/** Only a value that stands in place as it is, without variables, tokens and escapes. */
function replaceScalar(
  node: SourceNode | undefined,
  { text, replacement }: { readonly text: string; readonly replacement: string },
): Fix | undefined {
  if (node?.kind !== 'scalar' || node.alias !== undefined || node.written !== undefined) return undefined;
  const quote = quoteOf(node);
  const written = text.slice(node.start, node.end);
  if (quote === undefined || written !== `${quote}${node.text}${quote}`) return undefined;
  const edit = { start: node.start, end: node.end, text: `${quote}${replacement}${quote}` };
  return { description: `write "${replacement}"`, edits: [edit] };
}

function quoteOf({ style }: ScalarNode): string | undefined {
  if (style === 'plain') return '';
  if (style === 'single-quoted') return "'";
  return style === 'double-quoted' ? '"' : undefined;
}

function* notBuildable({ failure, step }: LintJob): Iterable<Found> {
  if (failure === undefined) return;
  const at = step.kubernetes.at(-1)?.name ?? firstWord(step.step.source);
  const text = failure.text.replace(/^agent-stack-k8s failed to [^:]*: /, '');
  yield { rule: 'buildable', at, message: `the controller cannot build this job: ${text}`, fallback: true };
}

function firstWord(node: SourceNode): { readonly start: number; readonly end: number } {
  return (node.kind === 'map' ? node.entries[0]?.keySpan : undefined) ?? node;
}
