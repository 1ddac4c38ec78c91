import type { V1Container } from '@kubernetes/client-node';
import { workspaceVolume } from '../../manifest/workspace.js';
import type { ControllerConfig } from '../../config/config.js';
import { compareQuantities, parseQuantity } from '../../quantity.js';
import type { MapEntry, SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from '../document.js';
import type { Span } from '../finding.js';
import type { LintJob } from '../lint-job.js';
import { entryAt, knownText, mapsIn, nodeAt, type Path, writtenText } from '../nodes.js';
import { isUnknown } from '../placeholder.js';
import { originOf } from '../provenance.js';
import type { Found, RuleSet, StepContext } from '../rule.js';
import type { LintWorld } from '../world.js';
import { type WrittenContainer, writtenContainers } from '../written-containers.js';

/** Volumes and mounts that the controller and Kubernetes treat otherwise than written. */
export const volumeRules: RuleSet = {
  rules: [
    {
      id: 'volume/reserved-name',
      severity: 'error',
      summary: "A volume has the name of one of the controller's own.",
      why: 'The controller adds its volumes to every pod. Two volumes of one name are refused by Kubernetes, so the job fails before a pod exists.',
      remedy:
        'Give the volume another name; to choose the workspace itself set "workspace-volume" in the controller configuration.',
    },
    {
      id: 'volume/workspace-mount',
      severity: 'error',
      summary: 'A mount covers the workspace in which the agent lives.',
      why: "The agent binary and the process that starts each command lie in /workspace. A mount at that path takes the place of the controller's own, the container finds nothing to start, and the job fails after five minutes of waiting for it.",
      remedy: 'Mount at another path, or at a folder of your own below /workspace.',
    },
    {
      id: 'volume/duplicate-mount-path',
      severity: 'warning',
      summary: 'Two volumes are mounted at the same path of one container.',
      why: 'The controller keeps the first mount and drops the other without a word, so the second volume is not where the step expects it.',
      remedy: 'Mount them at different paths, or remove one.',
    },
    {
      id: 'volume/unused',
      severity: 'info',
      summary: 'A volume is mounted by no container.',
      why: 'It does no harm, but usually a mount was forgotten: the step runs without the data, or without its cache.',
      remedy: 'Add a mount, or remove the volume.',
    },
    {
      id: 'volume/memory-medium',
      severity: 'warning',
      fixable: true,
      summary: 'A volume in memory can hold more than the container may use.',
      why: 'Files of a memory-backed volume count as the container\'s memory: the container is killed (OOMKilled) before the volume is full. Without a sizeLimit the volume can take as much as the node has. The medium is written "Memory": with another case the pod never starts, which is an error.',
      remedy:
        'Give the volume a "sizeLimit" well below the memory limit of the containers that mount it, or raise that limit.',
    },
  ],
  checks: [
    { scope: 'step', check: reservedNames },
    { scope: 'step', check: workspaceMounts },
    { scope: 'step', check: duplicateMountPaths },
    { scope: 'job', check: unusedVolumes },
    { scope: 'job', check: memoryVolumes },
    { scope: 'job', check: undefinedInSubPath },
  ],
};

/** Whether the controller makes a volume of that name. */
export function isReservedVolume(name: string, config: ControllerConfig): boolean {
  return [workspaceVolume(config).name, 'git-credentials', 'git-credentials-ro'].includes(name);
}

function* reservedNames(step: LintCommandStep, { world }: StepContext): Iterable<Found> {
  for (const { config } of step.kubernetes) {
    for (const volume of mapsIn(nodeAt(config, ['podSpec', 'volumes']))) {
      const node = nodeAt(volume, ['name']);
      const name = knownText(node);
      if (node === undefined || name === undefined || !isReservedVolume(name, world.config)) continue;
      yield {
        rule: 'volume/reserved-name',
        at: node,
        message: `volume "${name}" is added by the controller, and two of one name make Kubernetes refuse the Job; choose another name${name === 'workspace' ? ', or set "workspace-volume" in the controller configuration' : ''}`,
      };
    }
  }
}

interface WrittenMount {
  readonly entry: MapEntry;
  readonly path: string;
  readonly volume: string | undefined;
  /** What of the volume is mounted; a text that is not known, too. */
  readonly part: string;
}

/** Lists of mounts that go into containers which the agent starts. */
const SHARED_MOUNTS: readonly Path[] = [
  ['commandParams', 'extraVolumeMounts'],
  ['checkout', 'extraVolumeMounts'],
  ['extraVolumeMounts'],
];

function mountsIn(list: SourceNode | undefined): WrittenMount[] {
  return mapsIn(list).flatMap((mount) => {
    const entry = entryAt(mount, ['mountPath']);
    const path = knownText(entry?.value);
    return entry === undefined || path === undefined
      ? []
      : [{ entry, path, volume: knownText(nodeAt(mount, ['name'])), part: partOf(mount) }];
  });
}

function partOf(mount: SourceNode): string {
  const parts = ['subPath', 'subPathExpr'].map((key) => nodeAt(mount, [key]));
  return parts.map((node) => (node?.kind === 'scalar' ? writtenText(node) : '')).join('');
}

/** What tells two mounts apart: their volumes, or what of one volume they mount. */
function shownApart(mounts: readonly [WrittenMount, WrittenMount], { config }: LintWorld): readonly string[] {
  const isOneVolume = mounts[0].volume === mounts[1].volume;
  return mounts.map(({ volume = workspaceVolume(config).name, part }) => (isOneVolume ? `${volume}/${part}` : volume));
}

function sharedMounts(step: LintCommandStep, list: Path): WrittenMount[] {
  return step.kubernetes.flatMap(({ config }) => mountsIn(nodeAt(config, list)));
}

const WORKSPACE = '/workspace';
/** Folders of the workspace that the agent makes and fills. */
const AGENT_FOLDERS = ['build', 'plugins', 'hooks', 'sockets'].map((folder) => `${WORKSPACE}/${folder}`);

function* workspaceMounts(step: LintCommandStep, { world }: StepContext): Iterable<Found> {
  const own = workspaceVolume(world.config).name;
  const started = writtenContainers(step).filter(({ role }) => role === 'command');
  const mounts = [
    ...started.flatMap(({ node }) => mountsIn(nodeAt(node, ['volumeMounts']))),
    ...SHARED_MOUNTS.flatMap((list) => sharedMounts(step, list)),
  ];
  for (const { entry, path, volume } of mounts) {
    const folder = path.replace(/\/+$/, '');
    if (volume === own) continue;
    if (folder === WORKSPACE) {
      yield {
        rule: 'volume/workspace-mount',
        at: entry.value,
        message: `"${path}" is where the agent lives: with another volume there the container cannot start, and the job fails after 5 minutes of waiting; mount elsewhere, or below ${WORKSPACE}/<name>`,
      };
    } else if (AGENT_FOLDERS.includes(folder)) {
      yield {
        rule: 'volume/workspace-mount',
        severity: 'warning',
        at: entry.value,
        message: `"${path}" is a folder of the agent: what it put there for this job is hidden by the mount; mount below another folder`,
      };
    }
  }
}

function* duplicateMountPaths(step: LintCommandStep, { world }: StepContext): Iterable<Found> {
  const everywhere = sharedMounts(step, ['extraVolumeMounts']);
  const commands = [...sharedMounts(step, ['commandParams', 'extraVolumeMounts']), ...everywhere];
  const sidecars = [...everywhere, ...sharedMounts(step, ['sidecarParams', 'extraVolumeMounts'])];
  const written = writtenContainers(step).filter(({ within }) => within !== 'podSpecPatch');
  const lists = written.map((container) => [
    ...mountsIn(nodeAt(container.node, ['volumeMounts'])),
    ...addedTo(container, { commands, sidecars }),
  ]);
  const checkout = [...sharedMounts(step, ['checkout', 'extraVolumeMounts']), ...everywhere];
  for (const mounts of [...lists, checkout, commands]) yield* doubles(mounts, world);
}

function addedTo(
  { role }: WrittenContainer,
  shared: { readonly commands: readonly WrittenMount[]; readonly sidecars: readonly WrittenMount[] },
): readonly WrittenMount[] {
  if (role === 'init') return [];
  return role === 'command' ? shared.commands : shared.sidecars;
}

function* doubles(mounts: readonly WrittenMount[], world: LintWorld): Iterable<Found> {
  const first = new Map<string, WrittenMount>();
  for (const mount of mounts) {
    const before = first.get(mount.path);
    if (before === undefined) first.set(mount.path, mount);
    else if ((before.volume !== mount.volume || before.part !== mount.part) && mount.path !== WORKSPACE) {
      const [kept = '', dropped = ''] = shownApart([before, mount], world);
      yield {
        rule: 'volume/duplicate-mount-path',
        at: mount.entry.value,
        message: `two mounts at "${mount.path}": the controller keeps "${kept}" and silently drops "${dropped}"; use another path for one of them`,
        related: [{ at: before.entry.value, message: 'this one is kept' }],
      };
    }
  }
}

function* unusedVolumes(job: LintJob): Iterable<Found> {
  if (volumeNames(job.step).length === 0 || job.pod === undefined || job.baseUnknown) return;
  const used = new Set(
    containersOf(job).flatMap(({ volumeMounts = [], volumeDevices = [] }) =>
      [...volumeMounts, ...volumeDevices].map(({ name }) => name),
    ),
  );
  // What is written may lack the name that the type promises.
  if ([...used].some((name?: string) => name !== undefined && isUnknown(name))) return;
  for (const node of volumeNames(job.step)) {
    const name = knownText(node);
    // A name with a matrix token or without a place in the pod has a finding of its own.
    if (name === undefined || used.has(name) || !hasVolume(job, name)) continue;
    const message = `volume "${name}" is not mounted by any container; add a mount or remove it`;
    yield { rule: 'volume/unused', at: node, message };
  }
}

function volumeNames(step: LintCommandStep): readonly SourceNode[] {
  return step.kubernetes.flatMap(({ config }) =>
    ['podSpec', 'podSpecPatch'].flatMap((part) =>
      mapsIn(nodeAt(config, [part, 'volumes'])).flatMap((volume) => nodeAt(volume, ['name']) ?? []),
    ),
  );
}

function hasVolume({ pod }: LintJob, name: string): boolean {
  return (pod?.volumes ?? []).filter((volume) => volume.name === name).length === 1;
}

function containersOf({ pod }: LintJob): readonly V1Container[] {
  return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];
}

function* memoryVolumes(job: LintJob): Iterable<Found> {
  if (job.step.kubernetes.length === 0) return;
  for (const [index, { name, emptyDir }] of (job.pod?.volumes ?? []).entries()) {
    if (emptyDir?.medium !== 'Memory') continue;
    const size = emptyDir.sizeLimit;
    const origin = originOf(job, ['volumes', index, 'emptyDir', size === undefined ? 'medium' : 'sizeLimit']);
    if (!origin.exact) continue;
    if (size === undefined) {
      yield {
        rule: 'volume/memory-medium',
        severity: 'info',
        at: origin.at,
        message: `volume "${name}" is in memory and has no "sizeLimit": its files count as memory of the containers that mount it, until they are killed`,
      };
    } else yield* tooLarge(job, { name, size }, origin.at);
  }
}

function* tooLarge(job: LintJob, { name, size }: { name: string; size: string }, at: Span): Iterable<Found> {
  for (const container of containersOf(job)) {
    const limit = container.resources?.limits?.memory;
    if (limit === undefined || !mounts(container, name) || !fillsUp(limit, size)) continue;
    if (ONLY_LOOKS_IN.test(container.name)) continue;
    yield {
      rule: 'volume/memory-medium',
      at,
      message: `volume "${name}" may hold ${size} in memory, but container "${container.name}" is limited to ${limit} and such files count: it is killed before the volume is full; lower "sizeLimit" or raise the limit`,
    };
  }
}

/** Containers of the controller that put no more than the agent into the workspace. */
const ONLY_LOOKS_IN = /^(?:copy-agent|imagecheck-\d+)$/;

function mounts({ volumeMounts }: V1Container, volume: string): boolean {
  return (volumeMounts ?? []).some(({ name }) => name === volume);
}

function fillsUp(limit: string, size: string): boolean {
  if (isUnknown(limit) || isUnknown(size)) return false;
  const [a, b] = [parseQuantity(limit), parseQuantity(size)];
  return a.ok && b.ok && compareQuantities(a.value, b.value) <= 0;
}

/** Kubernetes expands `$(NAME)` from the container's own env only, and refuses to start it otherwise. */
function* undefinedInSubPath(job: LintJob): Iterable<Found> {
  if (job.step.kubernetes.length === 0) return;
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, container] of (job.pod?.[list] ?? []).entries()) {
      // What comes from a ConfigMap or Secret is not known here.
      if ((container.envFrom ?? []).length === 0) yield* undefinedInMounts(job, container, [list, index]);
    }
  }
}

function* undefinedInMounts(job: LintJob, container: V1Container, path: Path): Iterable<Found> {
  for (const [position, { subPathExpr = '' }] of (container.volumeMounts ?? []).entries()) {
    const [name] = undefinedNames(subPathExpr, container);
    if (name === undefined) continue;
    const { at, exact, cause } = originOf(job, [...path, 'volumeMounts', position, 'subPathExpr']);
    if (!exact) continue;
    yield {
      rule: 'volume/sub-path',
      at,
      message: `"${name}" is not defined in the env of container "${container.name}", so "subPathExpr" cannot be expanded and the container never starts; add it to "env"${cause === '' ? '' : ` (${cause})`}`,
    };
  }
}

function undefinedNames(expression: string, { env = [] }: V1Container): string[] {
  const defined = new Set(env.map(({ name }) => name));
  const names = [...expression.matchAll(/(\$?)\$\(([A-Za-z_][\w.-]*)\)/g)];
  return names.flatMap(([, escape, name = '']) => (escape === '' && !defined.has(name) ? [name] : []));
}
