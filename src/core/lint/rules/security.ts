import type { RuleSet } from '../rule.js';
import { gitKeys, serviceAccountTokens } from './security-credentials.js';
import { literalSecrets } from './literal-secrets.js';
import { hostNamespaces, hostPaths, privileged } from './security-host.js';
import { nonRoot, userTooLate } from './security-user.js';

/** What a job may do to its node, as whom it runs, and what it gives away. */
export const securityRules: RuleSet = {
  rules: [
    {
      id: 'security/privileged',
      severity: 'warning',
      summary: 'A container is privileged, or close to it.',
      why: 'Whoever can change the pipeline is root on the node: all devices, all other pods of the node and their secrets.',
      remedy:
        'To build images use a rootless builder (BuildKit rootless, Buildah, kaniko); else add the one capability that is needed.',
    },
    {
      id: 'security/host-path',
      severity: 'info',
      summary: 'A volume is a directory or socket of the node.',
      why: 'A cache on the node is shared by all builds that run there. The socket of the container runtime, and directories of the system or the kubelet, give control of the whole node (a warning).',
      remedy: 'Use a claim or "emptyDir"; for image builds a rootless builder.',
    },
    {
      id: 'security/host-namespace',
      severity: 'warning',
      summary: 'The pod shares a namespace of the node.',
      why: 'With the network of the node a build reaches services that listen on its loopback only, and its ports collide with those of other pods; with its processes it can see and stop them.',
      remedy: 'Remove it; services of the build belong into "sidecars", which share localhost with it.',
    },
    {
      id: 'security/non-root-without-user',
      severity: 'error',
      summary: 'The pod must not run as root, but nothing says as whom.',
      why: 'The containers that the controller adds run as root unless "runAsUser" is set. The kubelet refuses to start the first of them ("container has runAsNonRoot and image will run as root") and the job fails.',
      remedy: 'Set "runAsUser" beside "runAsNonRoot".',
    },
    {
      id: 'security/literal-secret',
      severity: 'error',
      summary: 'The file holds a secret in clear text.',
      why: 'Everyone who can read the repository, the build or the Job in the cluster can read it, for ever: it stays in the history. Newer agents refuse to upload such a pipeline.',
      remedy:
        'Revoke it; then put the new one into a Kubernetes Secret ("envFrom", "secretKeyRef") or into Buildkite secrets.',
    },
    {
      id: 'security/git-key-everywhere',
      severity: 'info',
      summary: '"gitEnvFrom" gives the git credentials to all containers.',
      why: 'In spite of its name it is added to the checkout, to every command container and to every sidecar, so each command of the build can read the key.',
      remedy: 'Use "checkout.envFrom", which only the checkout gets.',
    },
    {
      id: 'security/service-account-token',
      severity: 'off',
      summary: 'The token of the default service account is mounted into the build.',
      why: "Every command can talk to the Kubernetes API with that account's rights. Often it has none; then the token is only a surprise.",
      remedy: 'Set "automountServiceAccountToken: false", or name the account that the build is meant to use.',
    },
    {
      id: 'patch/user-too-late',
      severity: 'warning',
      summary: 'The user of the pod is set by a patch.',
      why: 'The Go controller writes the scripts that own the workspace and check out the repository from the podSpec before patches, so the patched user cannot write there and the checkout fails. This controller looks at the final pod.',
      remedy: 'Set the user in "podSpec.securityContext", or in a PodTemplate.',
    },
  ],
  checks: [
    { scope: 'file', check: literalSecrets },
    { scope: 'step', check: privileged },
    { scope: 'step', check: hostPaths },
    { scope: 'step', check: hostNamespaces },
    { scope: 'job', check: nonRoot },
    { scope: 'step', check: userTooLate },
    { scope: 'step', check: gitKeys },
    { scope: 'job', check: serviceAccountTokens },
  ],
};
