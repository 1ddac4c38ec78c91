import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import type { Interposer, PodSpecPatch } from '../config/config.js';
import { CONTAINERS, isReservedContainerName } from '../job/identity.js';
import type { JobFailure, JobWarning } from '../job/job.js';
import { fail, ok, type Result } from '../result.js';
import { envVar } from './container-env.js';
import { isCommandContainer, runsUnderAgent, sameWords } from './command-containers.js';
import { appendArgs, interpose } from './interposer.js';
import { StrategicMergeError, strategicMerge, type JsonObject } from './strategic-merge.js';

export interface PatchOptions {
  /** Who wrote the patch, as failures name it. */
  readonly from: 'controller' | 'k8s plugin';
  /** `allow-pod-spec-patch-unsafe-command-modification`. */
  readonly allowUnsafe: boolean;
  readonly interposer: Interposer;
}

export interface Patched {
  readonly pod: V1PodSpec;
  readonly warnings: readonly JobWarning[];
}

/** A container of a patch: any part of one, with nulls where something is to be deleted. */
type PatchContainer = Omit<Partial<V1Container>, 'command' | 'args'> & {
  command?: string[] | null;
  args?: string[] | null;
};

/** Applies a strategic merge patch to a pod, after the rules that keep a patch from breaking agent, checkout and commands. */
export function applyPodSpecPatch(
  pod: V1PodSpec,
  patch: PodSpecPatch,
  options: PatchOptions,
): Result<Patched, JobFailure> {
  if (Object.keys(patch).length === 0) return ok({ pod, warnings: [] });
  if (patch['$patch'] === 'delete' || patch['$patch'] === 'replace') {
    const text = `"$patch: ${patch['$patch']}" at the top would take the whole pod away, the agent with it: put it into the part it is meant for`;
    return fail(patchFailure(options, text));
  }
  const { kept, warnings } = keepGeneratedLists(patch, options);
  const forbidden = forbiddenCommandChange(pod, kept, options);
  if (forbidden !== undefined) return fail(patchFailure(options, forbidden));
  try {
    const merged = strategicMerge(pod as unknown as JsonObject, preparePatch(pod, kept, options), 'PodSpec');
    return ok({ pod: merged as unknown as V1PodSpec, warnings });
  } catch (error) {
    if (error instanceof StrategicMergeError) return fail(patchFailure(options, error.message));
    throw error;
  }
}

function patchFailure({ from }: PatchOptions, text: string): JobFailure {
  return { reason: 'patch-invalid', text: `failed to apply podSpec patch from ${from}: ${text}` };
}

/** These lists hold what the builder made: a null would delete agent and workspace, so it deletes nothing and says so. */
function keepGeneratedLists(
  patch: PodSpecPatch,
  { from }: PatchOptions,
): { kept: PodSpecPatch; warnings: JobWarning[] } {
  const nulls = ['containers', 'initContainers', 'volumes'].filter((list) => patch[list] === null);
  const warnings = nulls.map((list) => ({
    code: 'patch-null-list',
    text: `the podSpec patch from ${from} sets "${list}" to null, which is ignored: it would delete the agent's own; delete single elements with "$patch: delete"`,
    path: list,
  }));
  return { kept: Object.fromEntries(Object.entries(patch).filter(([key]) => !nulls.includes(key))), warnings };
}

/** The first change of a command that would break the pod's system containers. */
function forbiddenCommandChange(
  pod: V1PodSpec,
  patch: PodSpecPatch,
  { allowUnsafe }: PatchOptions,
): string | undefined {
  if (allowUnsafe) return undefined;
  const changed = (list: 'containers' | 'initContainers') =>
    patchContainers(patch, list)
      .filter((container) => changesCommand(container, byName(pod[list], container.name)))
      .map(({ name = '' }) => name);
  const init = changed('initContainers').find(
    (name) => name === CONTAINERS.copyAgent || name.startsWith(CONTAINERS.imageCheckPrefix),
  );
  const name = init ?? changed('containers').find((each) => each === CONTAINERS.agent || each === CONTAINERS.checkout);
  if (name === undefined) return undefined;
  const advice = '; instead consider configuring a checkout hook or skipping the checkout container entirely';
  const refusal = `for the ${name} container, modifying container commands or args via podSpecPatch is not supported`;
  return refusal + (name === CONTAINERS.checkout ? advice : '');
}

function changesCommand(patch: PatchContainer, original: V1Container | undefined): boolean {
  return changesWords(patch.command, original?.command) || changesWords(patch.args, original?.args);
}

/** A null deletes the words; an absent or empty list leaves them. */
function changesWords(patch: readonly string[] | null | undefined, original: readonly string[] | undefined): boolean {
  if (patch === null) return true;
  return patch !== undefined && patch.length > 0 && !sameWords(patch, original);
}

function preparePatch(pod: V1PodSpec, patch: PodSpecPatch, options: PatchOptions): JsonObject {
  const prepared: Record<string, unknown> = { ...patch };
  if (Array.isArray(patch['containers'])) {
    prepared['containers'] = patchContainers(patch, 'containers').map((container) => {
      const original = byName(pod.containers, container.name);
      const kept = keepImage(keepCommand(container, original), original);
      return replaceValueSources(commandBecomesVariable(kept, original, options));
    });
  }
  if (Array.isArray(patch['initContainers'])) {
    prepared['initContainers'] = patchContainers(patch, 'initContainers').map((container) => {
      const original = byName(pod.initContainers, container.name);
      return replaceValueSources(keepImage(keepCommand(container, original), original));
    });
  }
  if (Array.isArray(patch['volumes'])) prepared['volumes'] = patch['volumes'].map(replaceVolumeSource);
  return prepared;
}

/** Empty words would take away what starts the agent's own containers and those under it, so they say nothing there. */
function keepCommand(patch: PatchContainer, original: V1Container | undefined): PatchContainer {
  if (original === undefined || !(isReservedContainerName(original.name) || runsUnderAgent(original))) return patch;
  const { command, args, ...rest } = patch;
  return {
    ...rest,
    ...(command === undefined || command?.length === 0 ? {} : { command }),
    ...(args === undefined || args?.length === 0 ? {} : { args }),
  };
}

/** No container can be without an image, so an empty one, such as a variable that is not set leaves, says nothing. */
function keepImage(patch: PatchContainer, original: V1Container | undefined): PatchContainer {
  const image = original?.image;
  return patch.image === undefined || patch.image || image === undefined ? patch : { ...patch, image };
}

/** A command for a container that runs under the agent is handed to the agent instead of replacing its bootstrap. */
function commandBecomesVariable(
  patch: PatchContainer,
  original: V1Container | undefined,
  { interposer }: PatchOptions,
): PatchContainer {
  if (original === undefined || !runsUnderAgent(original) || !changesCommand(patch, original)) return patch;
  const { command, args, ...rest } = patch;
  const [words, tail] = [command ?? [], args ?? []];
  if (words.length === 0 && tail.length === 0) return rest;
  const line =
    words.length > 0 ? interpose(interposer, words, tail) : appendArgs(interposer, presentCommand(original), tail);
  return { ...rest, env: [...(rest.env ?? []), envVar('BUILDKITE_COMMAND', line)] };
}

function presentCommand(container: V1Container): string {
  return container.env?.findLast(({ name }) => name === 'BUILDKITE_COMMAND')?.value ?? '';
}

/** `value` and `valueFrom` exclude each other: a patch that sets one means to replace the other. */
function replaceValueSources(container: PatchContainer): PatchContainer {
  if (!Array.isArray(container.env)) return container;
  const env = container.env.map((variable): object => {
    if (variable.value != null && variable.valueFrom === undefined) return { ...variable, valueFrom: null };
    if (variable.valueFrom != null && variable.value === undefined) return { ...variable, value: null };
    return variable;
  });
  return { ...container, env: env as NonNullable<V1Container['env']> };
}

/** A volume has one source: a patch that names another means to replace it, which strategic merge does with `$retainKeys`. */
function replaceVolumeSource(volume: unknown): unknown {
  if (typeof volume !== 'object' || volume === null) return volume;
  const keys = Object.keys(volume);
  const sources = keys.filter((key) => key !== 'name' && !key.startsWith('$'));
  const saysHow = keys.some((key) => key.startsWith('$'));
  return sources.length === 1 && !saysHow ? { ...volume, $retainKeys: ['name', ...sources] } : volume;
}

function patchContainers(patch: PodSpecPatch, list: 'containers' | 'initContainers'): PatchContainer[] {
  const value = patch[list];
  // The patch was decoded against the PodSpec schema, so the elements have the shape of (partial) containers.
  return Array.isArray(value) ? (value as PatchContainer[]) : [];
}

/** Names of the regular containers whose pull policy a patch sets. */
export function patchedPolicies(patch: PodSpecPatch): string[] {
  return patchContainers(patch, 'containers').flatMap(({ name, imagePullPolicy }) =>
    name !== undefined && imagePullPolicy ? [name] : [],
  );
}

function byName(containers: readonly V1Container[] | undefined, name: string | undefined): V1Container | undefined {
  return containers?.find((container) => container.name === name);
}

/** The step's `image` attribute (`BUILDKITE_IMAGE`): the image of every command container, whatever podSpec and configuration say. */
export function applyImageAttribute(pod: V1PodSpec, image: string | undefined): V1PodSpec {
  if (image === undefined || image === '') return pod;
  return {
    ...pod,
    containers: pod.containers.map((container) =>
      isCommandContainer(container) ? { ...container, image } : container,
    ),
  };
}
