import type { V1Container, V1Job, V1PodSpec, V1Volume } from '@kubernetes/client-node';
import type { ResourceClass } from '../config/config.js';
import { CONTAINERS, jobResourceName } from '../job/identity.js';
import type { JobFailure } from '../job/job.js';
import { parseKubernetesPlugin, type KubernetesPlugin, type ParsedPlugin } from '../job/kubernetes-plugin.js';
import { fail, ok, type Result } from '../result.js';
import { agentConfigParts } from './agent-config.js';
import { agentContainer } from './agent-container.js';
import { renumberClients } from './clients.js';
import { effectiveInterposer, type BuildContext } from './build-context.js';
import { canonicalPod } from './canonical-pod.js';
import { checkoutContainer, checkoutVolumes, credentialVolumes } from './checkout-container.js';
import { commandContainers } from './command-containers.js';
import { commandWarnings } from './command-warnings.js';
import {
  checkImageReferences,
  imageCheckContainers,
  settlePullPolicies,
  systemPullPolicy,
  withStrongerPolicies,
} from './image-checks.js';
import { checkMetadata, jobMetadata } from './job-metadata.js';
import type { BuildJobInput, BuiltJob } from './job-manifest.js';
import { checkPod, checkGivenNames, podWarnings } from './pod-checks.js';
import { applyImageAttribute, applyPodSpecPatch, patchedPolicies, type Patched } from './pod-spec-patch.js';
import { applyResourceClass, resourceClassFor } from './resource-classes.js';
import { sidecarContainers } from './sidecars.js';
import { copyAgentContainer, workspaceVolume } from './workspace.js';

const PARSE_PREFIX = 'agent-stack-k8s failed to parse the job: ';
const BUILD_PREFIX = 'agent-stack-k8s failed to build a podSpec for the job: ';

/**
 * Turns a Buildkite job into the Kubernetes Job that runs it. Pure and deterministic: same input, same bytes; the input is
 * never changed. The controller creates what this returns, `render` prints it.
 */
export function buildJob(input: BuildJobInput): Result<BuiltJob, JobFailure> {
  const draft = draftJob(input);
  if (!draft.ok) return draft;
  const { refusal, manifest, warnings } = draft.value;
  return refusal === undefined ? ok({ manifest, warnings }) : fail(refusal);
}

/** A job that could be put together, whether or not Kubernetes would take it. */
export interface DraftJob extends BuiltJob {
  /** Why `buildJob` does not give it out; undefined = it does. */
  readonly refusal: JobFailure | undefined;
}

/** `buildJob` before its last word: a linter that judges the pod by itself wants to see what is wrong with all of it. */
export function draftJob(input: BuildJobInput): Result<DraftJob, JobFailure> {
  const parsed = parsePlugin(input);
  if (!parsed.ok) return fail(prefixed(PARSE_PREFIX, parsed.error));
  const base = basePod(parsed.value.plugin, input);
  if (!base.ok) return base;
  const draft = buildFromPlugin(input, parsed.value, base.value);
  if (!draft.ok) return fail(prefixed(BUILD_PREFIX, draft.error));
  const { refusal } = draft.value;
  return ok({ ...draft.value, refusal: refusal === undefined ? undefined : prefixed(BUILD_PREFIX, refusal) });
}

/** Name of the PodTemplate that must be fetched before `buildJob`; undefined when the job needs none or cannot be parsed. */
export function podTemplateName(input: Pick<BuildJobInput, 'job' | 'config'>): string | undefined {
  const parsed = parsePlugin(input);
  return parsed.ok ? templateOf(parsed.value.plugin) : undefined;
}

function parsePlugin({ job, config }: Pick<BuildJobInput, 'job' | 'config'>): Result<ParsedPlugin, JobFailure> {
  return parseKubernetesPlugin(job.env, { prohibited: config.prohibitKubernetesPlugin, strict: config.strictPlugin });
}

function templateOf({ podSpec, podTemplate }: KubernetesPlugin): string | undefined {
  return podSpec === undefined ? podTemplate || undefined : undefined;
}

function basePod(plugin: KubernetesPlugin, { podTemplateSpec }: BuildJobInput): Result<V1PodSpec, JobFailure> {
  const name = templateOf(plugin);
  if (name !== undefined && podTemplateSpec === undefined) {
    return fail({
      reason: 'pod-template-missing',
      text: `Error fetching podTemplate "${name}": podtemplates "${name}" not found in the controller's namespace; create it there or correct the plugin's podTemplate`,
      path: 'podTemplate',
    });
  }
  const spec = plugin.podSpec ?? podTemplateSpec;
  return ok({
    ...spec,
    containers: spec?.containers ?? [],
    ...(spec?.initContainers && { initContainers: spec.initContainers.map(named) }),
    ...(spec?.volumes && { volumes: spec.volumes.map(named) }),
  });
}

/** A missing name is an empty one, so that the checks of the final pod find it. */
function named<T extends { name?: string }>(part: T): T & { name: string } {
  return { ...part, name: part.name ?? '' };
}

function buildFromPlugin(
  input: BuildJobInput,
  { plugin, warnings }: ParsedPlugin,
  base: V1PodSpec,
): Result<DraftJob, JobFailure> {
  const context = buildContext(input, plugin, base);
  const metadata = jobMetadata({
    job: input.job,
    controllerId: input.config.id,
    defaults: input.config.defaultMetadata,
    plugin: plugin.metadata,
    podTemplateName: templateOf(plugin),
    sidecarNames: sidecarContainers(context).map(({ name }) => name),
  });
  const refused = checkMetadata(metadata) ?? checkGivenNames(base, plugin.sidecars ?? [], generatedVolumes(context));
  const pod = buildPod(context);
  if (!pod.ok) return refused === undefined ? pod : fail(refused);
  return ok({
    refusal: refused ?? pod.value.refusal,
    manifest: jobManifest(context, metadata, pod.value.pod),
    warnings: [...warnings, ...commandWarnings(context), ...pod.value.warnings, ...podWarnings(pod.value.pod)],
  });
}

function buildContext(
  { job, config, version }: BuildJobInput,
  plugin: KubernetesPlugin,
  base: V1PodSpec,
): BuildContext {
  return {
    job,
    config,
    version,
    plugin,
    base,
    agentConfig: agentConfigParts(config.agentConfig),
    skipCheckout: plugin.checkout?.skip ?? config.defaultCheckoutParams?.skip ?? false,
    ...factsOf(base, config.defaultTerminationGracePeriodSeconds),
  };
}

type BuildFacts = Pick<BuildContext, 'user' | 'graceSeconds'>;

/** What scripts and variables are made from: user and grace period of a pod. */
function factsOf(pod: V1PodSpec, defaultGraceSeconds: number): BuildFacts {
  return {
    user: { uid: pod.securityContext?.runAsUser ?? 0, gid: pod.securityContext?.runAsGroup ?? 0 },
    graceSeconds: pod.terminationGracePeriodSeconds ?? defaultGraceSeconds,
  };
}

/**
 * Patches can change user, grace period and images, on which scripts, variables, image checks and pull policies depend. So the
 * pod is assembled and patched once to learn the final facts, and once more where they are others.
 */
function buildPod(first: BuildContext): Result<Patched & Pick<DraftJob, 'refusal'>, JobFailure> {
  const resourceClass = resourceClassFor(first.job, first.config);
  if (!resourceClass.ok) return resourceClass;
  const assembled = assemblePod(first, resourceClass.value);
  const draft = patchPod(first, assembled);
  if (!draft.ok) return draft;
  const facts = factsOf(draft.value.pod, first.config.defaultTerminationGracePeriodSeconds);
  const context = { ...first, ...facts };
  const checks = imageChecks(context, draft.value);
  const unpatched = sameFacts(first, facts) ? assembled : assemblePod(context, resourceClass.value);
  const isFinal = unpatched === assembled && checks.length === 0;
  const final = isFinal ? draft : patchPod(context, withChecks(unpatched, checks));
  if (!final.ok) return final;
  const pod = canonicalPod(finishPod(context, final.value));
  const refusal = missingImage(final.value, pod) ?? checkImageReferences(podToCheck(context, pod)) ?? checkPod(pod);
  return ok({ pod, warnings: final.value.warnings, refusal });
}

function sameFacts(one: BuildFacts, other: BuildFacts): boolean {
  return one.graceSeconds === other.graceSeconds && one.user.uid === other.user.uid && one.user.gid === other.user.gid;
}

interface Assembled extends Patched {
  /** The pod before any patch. */
  readonly unpatched: V1PodSpec;
}

function patchPod(context: BuildContext, unpatched: V1PodSpec): Result<Assembled, JobFailure> {
  const { config, plugin, job } = context;
  const options = {
    allowUnsafe: config.allowPodSpecPatchUnsafeCommandModification,
    interposer: effectiveInterposer(context),
  };
  const configured = applyPodSpecPatch(unpatched, config.podSpecPatch ?? {}, { ...options, from: 'controller' });
  if (!configured.ok) return configured;
  const imaged = applyImageAttribute(configured.value.pod, job.env['BUILDKITE_IMAGE']);
  const patched = applyPodSpecPatch(imaged, plugin.podSpecPatch ?? {}, { ...options, from: 'k8s plugin' });
  if (!patched.ok) return patched;
  return ok({
    unpatched,
    pod: patched.value.pod,
    warnings: [...configured.value.warnings, ...patched.value.warnings],
  });
}

function assemblePod(context: BuildContext, resourceClass: ResourceClass | undefined): V1PodSpec {
  const { base, config, skipCheckout } = context;
  const commands = applyResourceClass({ ...base, containers: commandContainers(context) }, resourceClass);
  const copyAgent = { ...copyAgentContainer(config, context.user), imagePullPolicy: systemPullPolicy(config) };
  return {
    ...commands,
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: base.terminationGracePeriodSeconds ?? config.defaultTerminationGracePeriodSeconds,
    volumes: podVolumes(context),
    initContainers: [copyAgent, ...(base.initContainers ?? []), ...sidecarContainers(context)],
    containers: [
      ...commands.containers,
      agentContainer(context),
      ...(skipCheckout ? [] : [checkoutContainer(context)]),
    ],
  };
}

function imageChecks(context: BuildContext, { unpatched, pod }: Assembled): V1Container[] {
  const initContainers = withStrongerPolicies(pod.initContainers ?? [], unpatched.initContainers ?? []);
  return imageCheckContainers(podToCheck(context, { ...pod, initContainers }), context.config);
}

/** The image checks run right after `copy-agent`, which brings what they run. */
function withChecks(pod: V1PodSpec, checks: readonly V1Container[]): V1PodSpec {
  return { ...pod, initContainers: (pod.initContainers ?? []).toSpliced(1, 0, ...checks) };
}

/** Volumes of the pod; one that several settings bring in with the same words is taken once. */
function podVolumes(context: BuildContext): V1Volume[] {
  const all = [
    ...(context.base.volumes ?? []),
    workspaceVolume(context.config),
    ...context.agentConfig.volumes,
    ...(context.skipCheckout ? [] : checkoutVolumes(context)),
  ];
  const texts = all.map((volume) => JSON.stringify(volume));
  return all.filter((_, index) => texts.indexOf(texts[index] ?? '') === index);
}

function generatedVolumes(context: BuildContext): string[] {
  const { name } = workspaceVolume(context.config);
  return context.skipCheckout ? [name] : [name, ...credentialVolumes(context).map((volume) => volume.name)];
}

/** The draft as far as images go: checks that a patch already speaks of are made from it, not checked. */
function podToCheck(context: BuildContext, pod: V1PodSpec): V1PodSpec {
  const initContainers = (pod.initContainers ?? []).filter(({ name }) => !name.startsWith(CONTAINERS.imageCheckPrefix));
  return { ...pod, initContainers, containers: regularContainers(context, pod) };
}

/** The containers that stay: a skipped checkout is gone even when a patch speaks of it. */
function regularContainers({ skipCheckout }: BuildContext, pod: V1PodSpec): V1Container[] {
  return pod.containers.filter(({ name }) => !(skipCheckout && name === CONTAINERS.checkout));
}

/** A patch that names a container which does not exist adds one; without an image that is surely a misspelt name. */
function missingImage({ unpatched }: Assembled, pod: V1PodSpec): JobFailure | undefined {
  const known = [...(unpatched.initContainers ?? []), ...unpatched.containers].map(({ name }) => name);
  const all = [...(pod.initContainers ?? []), ...pod.containers];
  const stray = all.find(({ name, image }) => !known.includes(name) && (image ?? '') === '');
  if (stray === undefined) return undefined;
  const names = known.map((name) => `"${name}"`).join(', ');
  return {
    reason: 'patch-invalid',
    text: `a podSpec patch names container "${stray.name}", which does not exist, and gives it no image: correct the name (the pod has ${names}) or add an image`,
    path: `containers[${stray.name}]`,
  };
}

function finishPod(context: BuildContext, { unpatched, pod }: Assembled): V1PodSpec {
  const { config, plugin } = context;
  const patched = [config.podSpecPatch, plugin.podSpecPatch].flatMap((patch) => patchedPolicies(patch ?? {}));
  const containers = renumberClients(unpatched.containers, regularContainers(context, pod));
  const ordered = { ...pod, containers, initContainers: systemFirst(pod.initContainers ?? []), restartPolicy: 'Never' };
  const inits = withStrongerPolicies(pod.initContainers ?? [], unpatched.initContainers ?? []);
  const settled = settlePullPolicies(ordered, config, { patched, inits });
  return {
    ...settled,
    initContainers: (settled.initContainers ?? []).map(dropDuplicateMounts),
    containers: settled.containers.map(dropDuplicateMounts),
  };
}

/** A merge puts new init containers in front, where neither the agent binary nor a checked image is there yet. */
function systemFirst(containers: readonly V1Container[]): V1Container[] {
  const rank = ({ name }: V1Container) =>
    name === CONTAINERS.copyAgent ? 0 : name.startsWith(CONTAINERS.imageCheckPrefix) ? 1 : 2;
  return [0, 1, 2].flatMap((wanted) => containers.filter((container) => rank(container) === wanted));
}

/** Kubernetes refuses two mounts at one path; the first one wins. */
function dropDuplicateMounts(container: V1Container): V1Container {
  const mounts = container.volumeMounts;
  if (mounts === undefined) return container;
  const seen = new Set<string>();
  return { ...container, volumeMounts: mounts.filter(({ mountPath }) => !seen.has(mountPath) && seen.add(mountPath)) };
}

function jobManifest(context: BuildContext, metadata: ReturnType<typeof jobMetadata>, pod: V1PodSpec): V1Job {
  const { job, config, plugin } = context;
  const deadline = plugin.jobActiveDeadlineSeconds ?? 0;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: jobResourceName(config.jobPrefix, job.id), namespace: config.namespace, ...metadata },
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: Math.trunc(config.jobTtlMs / 1000),
      activeDeadlineSeconds: deadline > 0 ? deadline : config.jobActiveDeadlineSeconds,
      template: { metadata, spec: pod },
    },
  };
}

function prefixed(prefix: string, failure: JobFailure): JobFailure {
  return { ...failure, text: prefix + failure.text };
}

export type { BuildJobInput, BuiltJob };
