import type {
  V1Container,
  V1ContainerResizePolicy,
  V1PodDNSConfig,
  V1PodResourceClaim,
  V1PodSpec,
} from '@kubernetes/client-node';
import { accepted, refused, stuck, type ApiPath, type Check } from './api-problem.js';
import { FORMATS, matches } from './formats.js';

const RULE = 'buildable';
const RESTART = 'pod/restart-policy';
const POD_REFUSED = 'Kubernetes makes the Job and refuses its pod';
const CONTAINER_RESTARTS_SINCE_MINOR = 35;

/** A Job's pod ends: it is not restarted for ever. */
export const restartPolicy: Check<V1PodSpec> = function* ({ restartPolicy: policy = '' }) {
  if (policy !== '' && policy !== 'Always') return;
  const what =
    policy === '' ? 'a pod without "restartPolicy" is restarted for ever' : '"Always" is not for the pod of a Job';
  yield refused({
    rule: RESTART,
    path: ['restartPolicy'],
    what,
    remedy: 'remove the patch of it, and use the "retry" of the step',
    replacement: 'Never',
  });
};

/** Containers have restart policies of their own since Kubernetes 1.35; sidecars had the one word before. */
export const containerRestarts: Check<V1Container> = function* (container, path, { minor, isUnknown }) {
  const { restartPolicy: policy, restartPolicyRules: rules = [] } = container;
  if (policy === undefined && rules.length > 0) {
    const what = '"restartPolicyRules" need a "restartPolicy"';
    yield refused({ rule: RESTART, path: [...path, 'restartPolicy'], what, remedy: 'add it' });
  }
  if (policy === undefined || minor >= CONTAINER_RESTARTS_SINCE_MINOR || isUnknown(policy)) return;
  if (path[0] === 'initContainers' && policy === 'Always') return;
  const what = `a "restartPolicy" of a container needs Kubernetes 1.${CONTAINER_RESTARTS_SINCE_MINOR}, unless it is a sidecar's "Always"`;
  yield refused({ rule: RESTART, path: [...path, 'restartPolicy'], what, remedy: 'remove it' });
};

/** Containers of a pod that is never restarted cannot be restarted to be resized. */
export const resizePolicy: Check<V1ContainerResizePolicy> = function* ({ restartPolicy: policy }, path, { pod }) {
  if (policy !== 'RestartContainer' || pod.restartPolicy !== 'Never') return;
  const what = '"RestartContainer" does not go with a pod that is never restarted';
  yield refused({
    rule: RULE,
    path: [...path, 'restartPolicy'],
    what,
    remedy: 'write "NotRequired"',
    replacement: 'NotRequired',
  });
};

/** Where names are looked up. */
export const dns: Check<V1PodSpec> = function* ({ dnsPolicy, dnsConfig }) {
  if (dnsPolicy !== 'None' || (dnsConfig?.nameservers ?? []).length > 0) return;
  const path: ApiPath = dnsConfig === undefined ? ['dnsConfig'] : ['dnsConfig', 'nameservers'];
  yield refused({
    rule: RULE,
    path,
    what: '"dnsPolicy: None" leaves the pod without a name server',
    remedy: 'add one',
  });
};

/** Limits of the C library. */
export const dnsConfig: Check<V1PodDNSConfig> = function* ({ nameservers = [], searches = [], options = [] }, path) {
  const at = (field: string) => ({ rule: RULE, path: [...path, field] });
  if (nameservers.length > 3) {
    yield refused({
      ...at('nameservers'),
      what: `${nameservers.length} name servers are more than 3`,
      remedy: 'remove some',
    });
  }
  if (searches.length > 32 || searches.join(' ').length > 2048) {
    yield refused({
      ...at('searches'),
      what: 'the search domains are more than 32 or longer than 2048',
      remedy: 'remove some',
    });
  }
  for (const [index, { name = '' }] of options.entries()) {
    if (name !== '') continue;
    yield refused({
      rule: RULE,
      path: [...path, 'options', index],
      what: 'this DNS option has no name',
      remedy: 'add it',
    });
  }
};

/** A host name is given once. */
export const hostName: Check<V1PodSpec> = function* (pod, _path, { minor, isUnknown }) {
  const { hostnameOverride: name } = pod;
  if (name === undefined || minor < 35) return;
  const at = { rule: RULE, path: ['hostnameOverride'] };
  for (const field of ['setHostnameAsFQDN', 'hostNetwork'] as const) {
    if (pod[field] !== true) continue;
    yield refused({
      ...at,
      relatedPath: [field],
      what: `"hostnameOverride" does not go with "${field}"`,
      remedy: 'keep one',
    });
  }
  if (isUnknown(name) || (name.length <= 64 && name !== '')) return;
  yield refused({ ...at, what: `"${name}" is empty or longer than 64 characters`, remedy: 'change it' });
};

/** Names what devices a pod wants: by claim or by template. */
export const resourceClaim: Check<V1PodResourceClaim> = function* (claim, path) {
  const { name, resourceClaimName, resourceClaimTemplateName } = claim;
  const count = [resourceClaimName, resourceClaimTemplateName].filter((source) => source !== undefined).length;
  if (count === 1) return;
  const what = `resource claim "${name}" has ${count === 0 ? 'no source' : 'two sources'}`;
  yield refused({ rule: RULE, path, what, remedy: 'give either "resourceClaimName" or "resourceClaimTemplateName"' });
};

/** Less than no time to end is taken by the API server, and yet not what it looks like. */
export const gracePeriod: Check<V1PodSpec> = function* ({ terminationGracePeriodSeconds: seconds = 0 }) {
  if (seconds >= 0) return;
  const what = `"terminationGracePeriodSeconds" is ${seconds}, less than no time`;
  const said = {
    rule: RULE,
    path: ['terminationGracePeriodSeconds'],
    what,
    remedy: 'write how long the job may take to end',
  };
  yield accepted(said, 'Kubernetes takes it for 1 second');
};

/** The API server takes any name; the kubelet finds no Secret and goes on without it. */
export const pullSecrets: Check<V1PodSpec> = function* ({ imagePullSecrets = [] }, _path, { isUnknown }) {
  for (const [index, { name = '' }] of imagePullSecrets.entries()) {
    if (name === '' || matches(FORMATS.dnsSubdomain, name, isUnknown(name))) continue;
    const what = `"${name}" cannot be the name of a Secret (${FORMATS.dnsSubdomain.rule})`;
    const at = { rule: 'reference/name-format', path: ['imagePullSecrets', index, 'name'] };
    yield stuck(
      { ...at, what, remedy: 'correct it' },
      'no Secret can have that name, and images are pulled without it',
    );
  }
};

/** Who chooses the node leaves nothing to wait for. */
export const gatedNode: Check<V1PodSpec> = function* ({ nodeName = '', schedulingGates = [] }) {
  if (nodeName === '' || schedulingGates.length === 0) return;
  const what = '"nodeName" does not go with "schedulingGates"';
  yield stuck({ rule: RULE, path: ['nodeName'], what, remedy: 'keep one' }, POD_REFUSED);
};

/** What the API server checks for pods only, not for their templates: the Job is made, its pod never. */
export const podOnly: Check<V1Container> = function* ({ image = '' }, path) {
  if (image === image.trim()) return;
  const said = {
    rule: 'image/reference',
    path: [...path, 'image'],
    what: `"${image}" has spaces around it`,
    remedy: 'remove them',
  };
  yield stuck({ ...said, replacement: image.trim() }, POD_REFUSED);
};
