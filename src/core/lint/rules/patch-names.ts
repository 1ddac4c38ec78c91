import type { V1Container } from '@kubernetes/client-node';
import type { ControllerConfig, PodSpecPatch } from '../../config/config.js';
import type { LintJob } from '../lint-job.js';
import { isUnknown } from '../placeholder.js';
import type { LintWorld } from '../world.js';

/** The containers that a podSpecPatch finds. */
export interface ContainerNames {
  /** Those that run the commands. */
  readonly commands: readonly string[];
  /** Commands, agent and checkout. */
  readonly regular: readonly string[];
  /** `copy-agent`, the step's own init containers and the sidecars; image checks come on top, as many as there are images. */
  readonly init: readonly string[];
  /** Whether there can be no others: no PodTemplate and no name that only the upload knows. */
  readonly complete: boolean;
}

/** What the pod's containers are called before the step's patch is applied. */
export function namesBeforePatch(job: LintJob, { config }: LintWorld): ContainerNames {
  const { podSpec, sidecars = [] } = job.plugin;
  const commands = commandNames(job);
  const checkout = skipsCheckout(job, config) ? [] : ['checkout'];
  const regular = [...commands, 'agent', ...checkout, ...namesIn(config.podSpecPatch, 'containers')];
  const init = [
    'copy-agent',
    ...named(podSpec?.initContainers ?? [], ''),
    ...named(sidecars, 'sidecar-'),
    ...namesIn(config.podSpecPatch, 'initContainers'),
  ];
  return { commands, regular, init, complete: !job.baseUnknown && ![...regular, ...init].some(isUnknown) };
}

function commandNames({ plugin, baseUnknown }: LintJob): string[] {
  const base = plugin.podSpec?.containers ?? [];
  if (base.length > 0) return named(base, 'container-');
  return baseUnknown ? [] : ['container-0'];
}

function skipsCheckout({ plugin }: LintJob, { defaultCheckoutParams }: ControllerConfig): boolean {
  return plugin.checkout?.skip ?? defaultCheckoutParams?.skip ?? false;
}

function named(containers: readonly Partial<V1Container>[], prefix: string): string[] {
  return containers.map(({ name }, index) => name || `${prefix}${index}`);
}

function namesIn(patch: PodSpecPatch | undefined, list: string): string[] {
  const containers: unknown = patch?.[list];
  if (!Array.isArray(containers)) return [];
  return containers.flatMap((container: unknown) => {
    const name: unknown =
      typeof container === 'object' && container !== null ? Reflect.get(container, 'name') : undefined;
    return typeof name === 'string' ? [name] : [];
  });
}
