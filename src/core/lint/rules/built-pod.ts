import type { MapEntry, ScalarNode, SourceNode } from '../../pipeline/source-tree.js';
import type { ApiProblem } from '../api/api-problem.js';
import { FORMATS, matches } from '../api/formats.js';
import { validateJob } from '../api/validate-job.js';
import { isOpen } from '../model/command-containers.js';
import type { LintCommandStep } from '../model/document.js';
import type { LintDocument } from '../model/document.js';
import type { Fix } from '../finding.js';
import type { LintJob } from '../model/lint-job.js';
import { isReservedContainerName } from '../../job/identity.js';
import type { JobFailure } from '../../job/job.js';
import { knownText, nodeAt } from '../model/nodes.js';
import { isUnknown } from '../model/placeholder.js';
import { type Origin, originOf } from '../model/provenance.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import { firstSpan } from '../model/spans.js';
import type { LintWorld } from '../world.js';
import { isReservedVolume } from './volumes.js';
import { writtenContainers } from '../model/written-containers.js';
import { BUILT_POD_RULES } from './built-pod-rules.js';

/** What a Kubernetes API server would say of the Job that the controller's own builder makes of a step. */
export const builtPodRules: RuleSet = {
  rules: BUILT_POD_RULES,
  checks: [
    { scope: 'job', check: apiProblems },
    { scope: 'job', check: notBuildable },
    { scope: 'step', check: templateNames },
  ],
};

/** Rules that look at one value alone: they hold although the rest of the pod comes from a PodTemplate that nobody knows here. */
const OF_ONE_VALUE =
  /^(?:pod\/enum|resources\/(?!extended).*|reference\/.*|metadata\/.*|env\/entry|volume\/(?:two-sources|sub-path|memory-medium))$/;

function* apiProblems(job: LintJob, context: StepContext): Iterable<Found> {
  const { world, document } = context;
  if (isControllersOwn(job, world)) return;
  const explained = explainedNodes(job);
  for (const problem of judge(job, context).problems) {
    if (job.baseUnknown && !OF_ONE_VALUE.test(problem.rule)) continue;
    const origin = originOf(job, problem.path);
    if (isExplained(origin, explained) || hasOwnRule(job, problem, origin)) continue;
    if (world.configName === undefined && mayBeConfigured(problem, origin)) continue;
    yield toFound(job, { problem, origin, text: document.text });
  }
}

/** A pod to which neither author nor configuration add anything; the step's image is judged where it stands. */
function isControllersOwn({ step }: LintJob, { configName }: LintWorld): boolean {
  return step.kubernetes.length === 0 && configName === undefined;
}

interface Judgement {
  readonly problems: readonly ApiProblem[];
  /** The controller's own reason not to create the Job. */
  readonly failure: JobFailure | undefined;
}

const KNOWN = new WeakMap<LintDocument, Map<string, Judgement>>();

/** Steps that share a plugin through an anchor have the same pod, but for commands and variables: it is judged once. */
function judge(job: LintJob, { world, document }: StepContext): Judgement {
  const known = KNOWN.get(document) ?? new Map<string, Judgement>();
  KNOWN.set(document, known);
  const { env, agentQueryRules } = job.input.job;
  const key = JSON.stringify([env['BUILDKITE_PLUGINS'], env['BUILDKITE_IMAGE'], agentQueryRules]);
  const judgement = known.get(key) ?? { problems: validate(job, world), failure: job.failure };
  known.set(key, judgement);
  return judgement;
}

function validate({ manifest }: LintJob, { versions }: LintWorld): readonly ApiProblem[] {
  return manifest === undefined ? [] : validateJob(manifest, { kubernetesVersion: versions.kubernetes, isUnknown });
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

/** What a rule finds where it was written needs no second finding where it ends. */
function hasOwnRule(job: LintJob, problem: ApiProblem, origin: Origin): boolean {
  const { rule, path } = problem;
  const { node } = origin;
  if (rule === 'container/image-missing' || rule === 'image/reference') return true;
  if (isToldOfPatch(job, problem, origin)) return true;
  if (isNamelessSecret(job, path)) return true;
  if (node?.kind !== 'scalar') return false;
  if (isFileMode(path)) return true;
  if (rule === 'volume/duplicate-name') return isReservedVolume(node.text, job.input.config);
  return rule === 'container/duplicate-name' && isReservedContainerName(node.text);
}

/** Which containers a patch finds, and which it adds, is for the rules of the patch to say. */
function isToldOfPatch(job: LintJob, { rule, path, relatedPath }: ApiProblem, { node }: Origin): boolean {
  if (rule === 'container/name') return isInPatch(job, node) && (isNameless(node) || isMisnamed(job, path));
  if (rule !== 'container/duplicate-name') return false;
  const other = relatedPath === undefined ? undefined : originOf(job, relatedPath).node;
  return [node, other].some((place) => isInPatch(job, place) || isReservedContainerName(knownText(place)));
}

/** A patch without an image changes a container that there is: it has another name. */
function isMisnamed({ step, pod }: LintJob, [list, index]: ApiProblem['path']): boolean {
  const container = list === 'containers' && typeof index === 'number' ? pod?.containers[index] : undefined;
  if (container === undefined || container.image !== undefined) return false;
  return writtenContainers(step).every(({ within, name }) => within !== 'podSpec' || name !== container.name);
}

/** The volumes of a `gitCredentialsSecret`, which the controller's configuration may have. */
function mayBeConfigured({ rule }: ApiProblem, { node }: Origin): boolean {
  return rule === 'volume/mount-without-volume' && /^git-credentials(?:-ro)?$/.test(knownText(node) ?? '');
}

function isNameless(node: SourceNode | undefined): boolean {
  return node?.kind === 'scalar' && node.text === '';
}

/** The one secret volume that the controller adds is that of `gitCredentialsSecret`. */
function isNamelessSecret({ pod }: LintJob, [list, index, ...path]: ApiProblem['path']): boolean {
  const volume = list === 'volumes' && typeof index === 'number' ? pod?.volumes?.[index] : undefined;
  return volume?.name === 'git-credentials-ro' && path.at(-1) === 'secretName' && !volume.secret?.secretName;
}

/** `yaml/number-trap` sees how it was written, with quotes or without the leading zero. */
function isFileMode(path: ApiProblem['path']): boolean {
  return path.at(-1) === 'defaultMode' || path.at(-1) === 'mode';
}

function isInPatch({ step }: LintJob, node: SourceNode | undefined): boolean {
  const patch = nodeAt(step.kubernetes.at(-1)?.config, ['podSpecPatch']);
  return patch !== undefined && node !== undefined && patch.start <= node.start && node.end <= patch.end;
}

/** The template is asked for by its name before there is a Job to refuse. */
function* templateNames({ kubernetes }: LintCommandStep): Iterable<Found> {
  for (const { config } of kubernetes) {
    const node = nodeAt(config, ['podTemplate']);
    const name = knownText(node) ?? '';
    if (node === undefined || name === '' || isOpen(name) || matches(FORMATS.dnsSubdomain, name, false)) continue;
    yield {
      rule: 'reference/name-format',
      at: node,
      message: `"${name}" cannot be the name of a PodTemplate (${FORMATS.dnsSubdomain.rule}): no template can be found, and the job fails; change it`,
    };
  }
}

interface Located {
  readonly problem: ApiProblem;
  readonly origin: Origin;
  readonly text: string;
}

function toFound(job: LintJob, { problem, origin, text }: Located): Found {
  const { rule, message, verdict } = problem;
  const [{ at, entry, cause }, other] = inFileOrder(job, problem, origin);
  return {
    rule,
    at: rule === 'resources/unknown-name' ? (entry?.keySpan ?? at) : at,
    message: cause === '' ? message : `${message} (${cause})`,
    severity: verdict === 'accepted' ? 'warning' : 'error',
    related: other === undefined ? [] : [{ at: other.at, message: 'the other one' }],
    fix: mend(problem, origin, text),
  };
}

/** Of two equal names the one that was written last is told; the API server counts otherwise. */
function inFileOrder(job: LintJob, { rule, relatedPath }: ApiProblem, origin: Origin): readonly [Origin, Origin?] {
  const other = relatedPath === undefined ? undefined : originOf(job, relatedPath);
  if (other === undefined || !other.exact || other.at.start === origin.at.start) return [origin];
  const isLater = rule.endsWith('/duplicate-name') && origin.exact && other.at.start > origin.at.start;
  return isLater ? [other, origin] : [origin, other];
}

/** Only what nothing else in the file refers to: the mount of a renamed volume would be lost. */
function mend({ rule, path, replacement }: ApiProblem, { entry, node, exact }: Origin, text: string): Fix | undefined {
  if (replacement === undefined || !exact) return undefined;
  if (rule === 'resources/unknown-name') return entry === undefined ? undefined : replaceKey(entry, replacement, text);
  const isSafe =
    rule === 'pod/enum' || rule === 'volume/memory-medium' || (rule === 'container/name' && path[0] !== 'volumes');
  return isSafe ? replaceScalar(node, { text, replacement }) : undefined;
}

function replaceKey({ key, keySpan, merge }: MapEntry, replacement: string, text: string): Fix | undefined {
  if (merge !== undefined || text.slice(keySpan.start, keySpan.end) !== key) return undefined;
  return { description: `write "${replacement}"`, edits: [{ ...keySpan, text: replacement }] };
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

/** Reasons that rules of their own tell, or know better: the class may belong to another controller. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set(['resource-class-unknown', 'plugin-prohibited']);

function* notBuildable(job: LintJob, context: StepContext): Iterable<Found> {
  if (isControllersOwn(job, context.world)) return;
  const { step, baseUnknown } = job;
  const { failure } = judge(job, context);
  if (failure === undefined || TOLD_ELSEWHERE.has(failure.reason)) return;
  // What a PodTemplate or the upload still brings may be just what is missing.
  if (baseUnknown || isUnknown(failure.text)) return;
  if (context.world.configName === undefined && / mounts volume "git-credentials/.test(failure.text)) return;
  const at = step.kubernetes.at(-1)?.name ?? firstSpan(step.step.source);
  const text = failure.text.replace(/^agent-stack-k8s failed to [^:]*: /, '');
  yield { rule: 'buildable', at, message: `the controller cannot build this job: ${text}`, fallback: true };
}
