import type { RuleInfo } from '../rule.js';

const REFUSED = 'The API server refuses the Job, and the controller fails the build with its message.';

/** Rules of the pod as the controller would build it; an API server knows nearly all of them. */
export const BUILT_POD_RULES: readonly RuleInfo[] = [
  {
    id: 'buildable',
    severity: 'error',
    summary: 'The controller cannot build the job, or Kubernetes refuses what it builds.',
    why: "This rule runs the controller's own builder on every step and matrix combination and judges the result as a Kubernetes API server does. It speaks when no other rule has a better word for what is wrong.",
    remedy: 'Follow the message; `agent-stack-k8s render` shows the Job, and `--explain` which line set a field.',
  },
  {
    id: 'container/name',
    severity: 'error',
    fixable: true,
    summary: 'A container or volume has a name that Kubernetes does not take.',
    why: `Names of containers and volumes are DNS labels: at most 63 lower-case letters, digits and "-". ${REFUSED}`,
    remedy: 'Use lower case, and "-" in place of "_", "." and spaces.',
  },
  {
    id: 'container/duplicate-name',
    severity: 'error',
    summary: 'Two containers of the pod have the same name.',
    why: `Names must differ among containers, init containers and sidecars; a container without a name gets one from its position, such as "container-1". ${REFUSED}`,
    remedy: 'Give every container a name of its own.',
  },
  {
    id: 'volume/mount-without-volume',
    severity: 'error',
    summary: 'A container mounts a volume that the pod does not have.',
    why: REFUSED,
    remedy: 'Define the volume under "podSpec.volumes" or "podSpecPatch.volumes", or correct the name.',
  },
  {
    id: 'volume/duplicate-name',
    severity: 'error',
    summary: 'Two volumes have the same name.',
    why: REFUSED,
    remedy: 'Rename or remove one of them.',
  },
  {
    id: 'volume/two-sources',
    severity: 'error',
    summary: 'A volume has more than one type.',
    why: `A volume is an emptyDir or a secret or a hostPath, never two of them. ${REFUSED}`,
    remedy: 'Keep one, or make two volumes of it.',
  },
  {
    id: 'volume/sub-path',
    severity: 'error',
    summary: 'A mount has a path or sub-path that cannot work.',
    why: `"subPath" must stay inside the volume, "subPathExpr" may only use variables that the container defines itself, and the two exclude each other. ${REFUSED} With an unknown variable the container never starts.`,
    remedy: 'Write a relative path without "..", and define in "env" what "subPathExpr" uses.',
  },
  {
    id: 'reference/name-format',
    severity: 'error',
    summary: 'A Secret, ConfigMap, claim or other object is named in a way no object can be.',
    why: 'Some of these names are checked when the Job is created, and it is refused. Others are not: the pod then waits for an object that cannot exist until the pending timeout.',
    remedy: 'Use the name as `kubectl get` shows it: lower-case letters, digits, "-" and ".".',
  },
  {
    id: 'resources/request-over-limit',
    severity: 'error',
    summary: 'A container requests more than its limit.',
    why: `Request and limit may come from different places: the podSpec, a patch, a resource class or the controller configuration; the finished pod counts. ${REFUSED}`,
    remedy: 'Raise the limit or lower the request.',
  },
  {
    id: 'resources/extended',
    severity: 'error',
    summary: 'A GPU or another extended resource is requested in a way Kubernetes does not take.',
    why: `Extended resources and huge pages cannot be shared: they need a limit, whole numbers, and a request equal to the limit. ${REFUSED}`,
    remedy: 'Set the limit alone; the request follows it.',
  },
  {
    id: 'resources/unknown-name',
    severity: 'error',
    fixable: true,
    summary: 'A resource has a name that Kubernetes does not know.',
    why: `Beside cpu, memory, ephemeral-storage and huge pages, resources have a domain, such as "nvidia.com/gpu". ${REFUSED}`,
    remedy: 'Write the full name, in lower case.',
  },
  {
    id: 'pod/restart-policy',
    severity: 'error',
    summary: 'The step asks for its pod or a container to be restarted.',
    why: 'A Buildkite job runs once: its pod has the restart policy "Never". In a podSpec another one is overwritten; by a patch the Go controller lets it through, and Kubernetes refuses "Always", while "OnFailure" restarts containers whose job is over.',
    remedy: 'Use the step\'s "retry". A sidecar\'s own "restartPolicy: Always" is right and set by the controller.',
  },
  {
    id: 'metadata/label-syntax',
    severity: 'error',
    summary: 'A label or annotation is not written as Kubernetes wants it.',
    why: `Label values have at most 63 letters, digits, "-", "_" and "."; keys are such a word, perhaps behind a domain and "/". ${REFUSED}`,
    remedy: 'Shorten or rewrite it, or use an annotation: its value may be any text.',
  },
];
