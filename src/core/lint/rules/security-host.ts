import type { SourceNode } from '../../pipeline/source-tree.js';
import type { LintCommandStep } from '../document.js';
import type { Span } from '../finding.js';
import { entryAt, itemsOf, knownText, mapsIn, nodeAt } from '../nodes.js';
import type { Found } from '../rule.js';
import { writtenContainers } from '../written-containers.js';

const POD_PARTS = ['podSpec', 'podSpecPatch'] as const;

const IS_TRUE = /^true$/;
const DANGEROUS_CAPABILITIES = /^(?:CAP_)?(?:ALL|SYS_ADMIN|SYS_MODULE|SYS_PTRACE|SYS_RAWIO|DAC_READ_SEARCH|BPF)$/i;

const PRIVILEGED =
  'a privileged container is root on the node; prefer a rootless builder (BuildKit rootless, Buildah, kaniko)';

const CONTAINER_FLAGS: readonly { readonly key: string; readonly bad: RegExp; readonly says: string }[] = [
  {
    key: 'privileged',
    bad: IS_TRUE,
    says: PRIVILEGED,
  },
  {
    key: 'allowPrivilegeEscalation',
    bad: IS_TRUE,
    says: '"allowPrivilegeEscalation" lets a process of the build gain more rights than it was started with; remove it or set it to false',
  },
  {
    key: 'procMount',
    bad: /^Unmasked$/,
    says: '"procMount: Unmasked" shows the build the files of /proc that a container must not see; prefer a user namespace',
  },
];

/** Containers that are root on their node. */
export function* privileged(step: LintCommandStep): Iterable<Found> {
  for (const { node } of writtenContainers(step)) {
    const context = nodeAt(node, ['securityContext']);
    const flags = [...dangerousFlags(context)];
    yield* flags;
    // A privileged container may everything else anyway.
    if (!flags.some(({ message }) => message === PRIVILEGED)) yield* capabilities(context);
  }
}

function* dangerousFlags(context: SourceNode | undefined): Iterable<Found> {
  for (const { key, bad, says } of CONTAINER_FLAGS) {
    const value = nodeAt(context, [key]);
    if (value === undefined || !bad.test(knownText(value) ?? '')) continue;
    yield { rule: 'security/privileged', at: value, message: says };
    if (says === PRIVILEGED) return;
  }
}

function* capabilities(context: SourceNode | undefined): Iterable<Found> {
  for (const item of itemsOf(nodeAt(context, ['capabilities', 'add']))) {
    const name = knownText(item);
    if (name === undefined || !DANGEROUS_CAPABILITIES.test(name)) continue;
    yield {
      rule: 'security/privileged',
      at: item,
      message: `with the capability "${name}" the build controls its node; prefer a rootless builder, or a narrower capability`,
    };
  }
}

/** Paths that give control of the node. */
const NODE_PATHS: readonly { readonly path: RegExp; readonly gives: string }[] = [
  { path: /^\/$/, gives: 'every file of the node' },
  {
    path: /\/(?:docker|containerd|crio|podman|buildkitd)\.sock$/,
    gives: 'control of the node through its container runtime',
  },
  { path: /^(?:\/var)?\/run(?:\/(?:docker|containerd|crio|podman))?$/, gives: 'the sockets of the node' },
  {
    path: /^\/etc(?:\/(?:kubernetes|rancher|containerd|docker|shadow|passwd|ssh)(?:\/.*)?)?$/,
    gives: "the node's configuration",
  },
  {
    path: /^\/var\/lib\/(?:kubelet|docker|containerd|rancher|etcd)(?:\/.*)?$/,
    gives: 'the files and secrets of all pods of the node',
  },
  { path: /^\/var(?:\/lib)?$/, gives: 'the files and secrets of all pods of the node' },
  { path: /^\/(?:proc|sys|dev|root|boot|home)$/, gives: 'control of the node' },
  { path: /^\/(?:proc|root\/\.(?:kube|ssh|aws|docker))(?:\/.*)?$/, gives: 'control of the node' },
];

/** Volumes that are a part of the node. */
export function* hostPaths(step: LintCommandStep): Iterable<Found> {
  for (const { config } of step.kubernetes) {
    for (const volume of POD_PARTS.flatMap((part) => mapsIn(nodeAt(config, [part, 'volumes'])))) {
      const value = nodeAt(volume, ['hostPath', 'path']);
      if (value?.kind === 'scalar' && value.text !== '') yield hostPath(knownText(value), value);
    }
  }
}

function hostPath(path: string | undefined, at: Span): Found {
  const clean = path === undefined || path === '/' ? path : path.replace(/\/+$/, '');
  const danger = NODE_PATHS.find((entry) => clean !== undefined && entry.path.test(clean));
  if (danger === undefined) {
    return {
      rule: 'security/host-path',
      at,
      message:
        'a directory of the node is shared by all builds that run there; fine for a cache that nobody has to trust',
    };
  }
  return {
    rule: 'security/host-path',
    at,
    severity: 'warning',
    message: `mounting "${path}" gives the build ${danger.gives}; use a claim, or a rootless builder for images`,
  };
}

const NAMESPACES: Readonly<Record<string, string>> = {
  hostNetwork: "the node's network",
  hostPID: 'all processes of the node',
  hostIPC: "the node's shared memory",
};

/** Pods that share a namespace of their node. */
export function* hostNamespaces(step: LintCommandStep): Iterable<Found> {
  const pods = step.kubernetes.flatMap(({ config }) => POD_PARTS.flatMap((part) => nodeAt(config, [part]) ?? []));
  for (const [key, shared] of Object.entries(NAMESPACES)) {
    for (const value of pods.flatMap((pod) => nodeAt(pod, [key]) ?? [])) {
      if (knownText(value) !== 'true') continue;
      yield {
        rule: 'security/host-namespace',
        at: value,
        message: `"${key}" shares ${shared} with the build; remove it unless the build tests the node itself`,
      };
    }
  }
  if (pods.some((pod) => knownText(nodeAt(pod, ['hostNetwork'])) === 'true')) yield* sharedPorts(step);
}

/** Ports that all pods of a node would share. */
function* sharedPorts(step: LintCommandStep): Iterable<Found> {
  for (const { node } of writtenContainers(step)) {
    const ports = entryAt(node, ['ports']);
    const [port] = mapsIn(ports?.value).flatMap((each) => knownText(nodeAt(each, ['containerPort'])) ?? []);
    if (ports === undefined || port === undefined) continue;
    yield {
      rule: 'security/host-namespace',
      severity: 'info',
      at: ports.keySpan,
      message: `with "hostNetwork" port ${port} is the node's own, so a node has room for one such pod only and others wait; remove "hostNetwork" or the port`,
    };
  }
}
