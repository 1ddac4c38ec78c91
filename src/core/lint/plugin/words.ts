/** What the controller does with an unknown key. */
export const DROPPED = 'the Go controller drops it without a word';
/** What the controller does with a value that it cannot read. */
export const REFUSED = 'the controller cannot read the plugin, so the job fails before it starts';

const WORDS: Readonly<Record<string, string>> = {
  KubernetesPlugin: 'the kubernetes plugin',
  PodSpec: 'a pod spec',
  Container: 'a container',
  EphemeralContainer: 'an ephemeral container',
  EnvVar: 'an "env" entry',
  EnvFromSource: 'an "envFrom" entry',
  Volume: 'a volume',
  VolumeMount: 'a volume mount',
  ContainerPort: 'a port',
  Toleration: 'a toleration',
  SecurityContext: 'the "securityContext" of a container',
  PodSecurityContext: 'the "securityContext" of a pod',
  CheckoutParams: 'the "checkout" of the plugin',
  CommandParams: '"commandParams"',
  SidecarParams: '"sidecarParams"',
  Metadata: 'the "metadata" of the plugin',
};

/** A definition in the words of a message; by the key it stands under when it has no word of its own. */
export function ownerWord(type: string | undefined, key: string | undefined): string {
  return WORDS[type ?? ''] ?? (key === undefined ? 'this mapping' : `"${key}"`);
}
