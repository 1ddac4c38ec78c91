import { CONFIG_ENTRIES } from '../../config/schema.js';
import { PLUGIN, plainKey } from './plugin-schema.js';

type Hints = Readonly<Record<string, string>>;

/** Keys under which people expect a field that has another name, by the definition they write them in; in plain spelling. */
const RENAMED: Readonly<Record<string, Hints>> = {
  Container: {
    commands: 'command',
    environment: 'env',
    workdir: 'workingDir',
    workingdirectory: 'workingDir',
    cwd: 'workingDir',
    mounts: 'volumeMounts',
    pullpolicy: 'imagePullPolicy',
    environmentfrom: 'envFrom',
    arguments: 'args',
  },
  VolumeMount: { path: 'mountPath', mountpoint: 'mountPath', target: 'mountPath', volume: 'name', volumename: 'name' },
  SecretVolumeSource: { name: 'secretName', secret: 'secretName' },
  ConfigMapVolumeSource: { configmapname: 'name', configmap: 'name' },
  PersistentVolumeClaimVolumeSource: { name: 'claimName', claim: 'claimName' },
  SecretEnvSource: { secretname: 'name' },
  ConfigMapEnvSource: { configmapname: 'name' },
  SecretProjection: { secretname: 'name' },
  ConfigMapProjection: { configmapname: 'name' },
  SecretKeySelector: { secretname: 'name', secret: 'name' },
  ConfigMapKeySelector: { configmapname: 'name', configmap: 'name' },
  LocalObjectReference: { secretname: 'name' },
  HostPathVolumeSource: { hostpath: 'path' },
  Capabilities: { adds: 'add', drops: 'drop' },
  ContainerPort: { port: 'containerPort', hostport: 'hostPort' },
  ResourceRequirements: { request: 'requests', limit: 'limits' },
  PodSpec: {
    nodeselectors: 'nodeSelector',
    toleration: 'tolerations',
    graceperiodseconds: 'terminationGracePeriodSeconds',
    container: 'containers',
    volume: 'volumes',
    runtimeclass: 'runtimeClassName',
    priorityclass: 'priorityClassName',
  },
  CheckoutParams: { gitcredentials: 'gitCredentialsSecret', credentialssecret: 'gitCredentialsSecret' },
};

/** The field that a key most likely stands for, by a table of what people write. */
export function renamedTo(type: string | undefined, key: string): string | undefined {
  return RENAMED[type ?? '']?.[plainKey(key)];
}

const CHECKOUT_FLAGS = 'write git options as text in "cloneFlags", "fetchFlags", "cleanFlags" or "checkoutFlags"';

/** What to do instead of a key that nothing here is another name of; in plain spelling. */
const ADVICE: Readonly<Record<string, Hints>> = {
  [PLUGIN]: {
    pendingtimeout: 'how long a pod may be pending is set in the controller only ("pod-pending-timeout")',
    mirrorvolumemounts: 'list the mounts in "extraVolumeMounts", which goes to all containers',
    extravolumes: 'write volumes under "podSpecPatch.volumes" (or "podSpec.volumes")',
    volumemounts: 'use "extraVolumeMounts" for all containers, or "volumeMounts" of one container',
    resourceclass: 'a resource class is chosen by the tag "resource_class" in the step\'s "agents"',
    timeout: 'use "jobActiveDeadlineSeconds", or "timeout_in_minutes" of the step',
    timeoutseconds: 'use "jobActiveDeadlineSeconds", or "timeout_in_minutes" of the step',
    activedeadlineseconds: 'use "jobActiveDeadlineSeconds"',
    namespace: 'all jobs run in the namespace of the controller (its option "namespace")',
    image: 'use "image" of the step, or of a container in "podSpec"',
    env: 'use "env" of the step, or of a container in "podSpec"',
    envfrom: 'use "commandParams.envFrom", or "envFrom" of a container',
    command: 'use "command" of the step, or of a container in "podSpec"',
    commands: 'use "command" of the step, or of a container in "podSpec"',
    args: 'write it in a container of "podSpec"',
    resources: 'write it in a container of "podSpec" or "podSpecPatch"',
    workingdir: 'write it in a container of "podSpec"',
    workspace: 'the workspace volume is set in the controller ("workspace-volume")',
    sshcredentialssecret: 'list the secret in "gitEnvFrom", as {secretRef: {name: …}}',
    gitcredentialssecret: 'write it under "checkout"',
    pod: 'use "podSpec" or "podSpecPatch"',
    spec: 'use "podSpec"',
    template: 'use "podSpec", or "podTemplate" with the name of a PodTemplate of the cluster',
    container: 'use "podSpec.containers"',
    patch: 'use "podSpecPatch"',
    ttlsecondsafterfinished: 'how long finished Jobs are kept is set in the controller ("job-ttl")',
    backofflimit: 'Jobs are never started again by Kubernetes; use "retry" of the step',
    queue: 'the queue is chosen in "agents" of the step',
  },
  EnvFromSource: {
    name: 'write {secretRef: {name: …}} or {configMapRef: {name: …}}',
    secretname: 'write {secretRef: {name: …}}',
    configmapname: 'write {configMapRef: {name: …}}',
    secret: 'write {secretRef: {name: …}}',
    configmap: 'write {configMapRef: {name: …}}',
    secretkeyref: 'single keys go into "env" with "valueFrom"',
  },
  Container: {
    entrypoint: 'use "command", with arguments in "args"',
    cmd: 'use "command", with arguments in "args"',
    script: 'use "command"',
    run: 'use "command"',
    user: 'use "securityContext.runAsUser"',
    cpu: 'use "resources.requests.cpu"',
    memory: 'use "resources.requests.memory"',
    gpu: 'use "resources.limits" with the name of the resource, e.g. nvidia.com/gpu',
    dependson: 'containers of one pod start together; use "initContainers" for what must come before',
    configmap: 'a configMap is a volume: write it under "volumes" of the pod and mount it with "volumeMounts"',
    secret: 'a secret is a volume: write it under "volumes" of the pod and mount it with "volumeMounts"',
    hostpath: 'hostPath is a volume: write it under "volumes" of the pod and mount it with "volumeMounts"',
    emptydir: 'emptyDir is a volume: write it under "volumes" of the pod and mount it with "volumeMounts"',
    persistentvolumeclaim: 'a claim is a volume: write it under "volumes" of the pod and mount it with "volumeMounts"',
    extravolumemounts:
      'in a container it is called "volumeMounts"; "extraVolumeMounts" belongs to the kubernetes plugin itself',
  },
  CheckoutParams: {
    submodules: 'it belongs to the step\'s own "checkout"; here write "noSubmodules: true" to leave them out',
    depth: 'write it into "cloneFlags", e.g. "--depth 1"',
    sparse: 'it belongs to the step\'s own "checkout", which is another feature',
    lfs: 'git-lfs is a matter of the image and of hooks',
    branch: 'the commit of the build is checked out',
    ref: 'the commit of the build is checked out',
    clean: 'write git options into "cleanFlags"',
    flags: CHECKOUT_FLAGS,
    gitflags: CHECKOUT_FLAGS,
    sshsecret: 'list the secret in "gitEnvFrom" of the plugin',
    enabled: 'write "skip: true" to switch the checkout off',
    disabled: 'write "skip: true" to switch the checkout off',
    image: 'patch the container "checkout" in "podSpecPatch"',
    resources: 'patch the container "checkout" in "podSpecPatch"',
    env: 'use "envFrom", or patch the container "checkout" in "podSpecPatch"',
  },
};

/** What to do instead of a key that does not exist; undefined when nothing is known of it. */
export function adviceFor(type: string | undefined, key: string): string | undefined {
  return ADVICE[type ?? '']?.[plainKey(key)];
}

const OPTIONS: ReadonlyMap<string, string> = new Map(
  CONFIG_ENTRIES.map(({ key: { key } }): [string, string] => [plainKey(key), key]),
);

/** The controller's option that a key is called like. */
export function controllerOption(key: string): string | undefined {
  const plain = plainKey(key);
  return OPTIONS.get(plain) ?? OPTIONS.get(`default${plain}`);
}

/** The plugin's field for the controller's default of it: `default-checkout-params` → `checkout`. */
export function fieldOfOption(key: string): string | undefined {
  return FIELDS_OF_OPTIONS[plainKey(key)];
}

const FIELDS_OF_OPTIONS: Hints = {
  defaultcheckoutparams: 'checkout',
  checkoutparams: 'checkout',
  defaultcommandparams: 'commandParams',
  defaultsidecarparams: 'sidecarParams',
  defaultmetadata: 'metadata',
};

/** Sources of a volume by the names that people give them. */
const VOLUME_SOURCES: Hints = {
  pvc: 'persistentVolumeClaim',
  claim: 'persistentVolumeClaim',
  persistentvolume: 'persistentVolumeClaim',
  volumeclaim: 'persistentVolumeClaim',
  persistentvolumeclaimref: 'persistentVolumeClaim',
  configmapref: 'configMap',
  secretref: 'secret',
  hostdir: 'hostPath',
  hostpathvolume: 'hostPath',
  host: 'hostPath',
  tmpfs: 'emptyDir',
  empty: 'emptyDir',
  downwardapivolume: 'downwardAPI',
};

/** The source of a volume that a key stands for. */
export function volumeSourceFor(key: string): string | undefined {
  return VOLUME_SOURCES[plainKey(key)];
}

/** Keys of a whole Kubernetes object, which a pod spec is only a part of. */
export const OBJECT_KEYS: ReadonlySet<string> = new Set([
  'metadata',
  'labels',
  'annotations',
  'namespace',
  'spec',
  'template',
  'apiVersion',
  'kind',
]);
