import { closestName } from '../closest-name.js';
import { isLabelValue } from '../job/identity.js';
import { parseImageReference } from '../manifest/image-reference.js';
import type { PathSegment } from '../schema/decode.js';
import type { AdditionalHook, ControllerConfig, V1Volume } from './config.js';
import type { ConfigProperty } from './schema.js';

/** What a rule found; `path` leads from the key into its value. */
export interface Finding {
  readonly property: ConfigProperty;
  readonly path?: readonly PathSegment[];
  readonly message: string;
}

const UUID_LENGTH = 36;
/** Jobs label their pods with their own name, and a label value has at most 63 characters. */
const MAX_PREFIX_LENGTH = 63 - UUID_LENGTH;
const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const HOST_PORT = /^(?:[^:\s/]*|\[[0-9a-fA-F:.%]+\]):(\d{1,5})$/;

/** Rules that look at more than the type and range of one value: what makes a configuration unusable. */
export function configErrors(config: ControllerConfig): Finding[] {
  return [
    ...names(config),
    ...addresses(config),
    ...tags(config),
    ...additionalHooks(config.agentConfig?.['additional-hooks'] ?? []),
    ...agentVolumes(config),
    ...podSpecPatch(config),
    ...defaultResourceClass(config),
    ...jobSource(config),
  ];
}

/** What works, but hardly as meant. */
export function configWarnings(config: ControllerConfig): Finding[] {
  return [...idleSourceKeys(config), ...queueTwice(config), ...tagsTwice(config)];
}

function idleSourceKeys({ jobSource, org, buildkiteToken }: ControllerConfig): Finding[] {
  if (jobSource !== 'auto' || (org === '') === (buildkiteToken === '')) return [];
  if (org === '') {
    const message =
      '"buildkite-token" has no effect without "org": the Stacks API is used; set "org" for GraphQL, or delete the token';
    return [{ property: 'buildkiteToken', message }];
  }
  const message =
    '"org" has no effect without "buildkite-token": the Stacks API knows it from the agent token; delete it';
  return [{ property: 'org', message }];
}

function queueTwice({ queue, tags }: ControllerConfig): Finding[] {
  const tag = tags.findLast((candidate) => candidate.startsWith('queue='));
  if (queue === '' || tag === undefined || tag === `queue=${queue}`) return [];
  return [{ property: 'queue', message: `"queue" is "${queue}" and beats the tag "${tag}"; keep one of them` }];
}

function names(config: ControllerConfig): Finding[] {
  const findings: Finding[] = [];
  const refuse = (property: ConfigProperty, message: string): void => void findings.push({ property, message });
  const { namespace, id, jobPrefix, image } = config;
  if (!DNS_LABEL.test(namespace)) {
    refuse('namespace', `"namespace" cannot be "${namespace}": use lower-case letters, digits and "-", at most 63`);
  }
  if (!isLabelValue(id)) {
    refuse(
      'id',
      `"id" cannot be "${id}": it becomes a label value, so use letters, digits, "-", "_" and ".", at most 63`,
    );
  }
  if (jobPrefix.length > MAX_PREFIX_LENGTH) {
    const message = `"job-prefix" has ${jobPrefix.length} characters: Kubernetes refuses longer Job names, use at most 27`;
    refuse('jobPrefix', message);
  } else if (!DNS_SUBDOMAIN.test(`${jobPrefix}0`)) {
    const message = `"job-prefix" cannot be "${jobPrefix}": Job names start with it, so use lower-case letters, digits and "-"`;
    refuse('jobPrefix', message);
  }
  const reference = parseImageReference(image);
  if (image !== '' && !reference.ok) refuse('image', `"image" cannot be "${image}": ${reference.error}`);
  return findings;
}

function addresses(config: ControllerConfig): Finding[] {
  const { profilerAddress, graphqlEndpoint, agentConfig } = config;
  const findings: Finding[] = [];
  if (profilerAddress !== '' && !isHostAndPort(profilerAddress)) {
    const message = `"profiler-address" cannot be "${profilerAddress}": use host:port, the host may be empty`;
    findings.push({ property: 'profilerAddress', message });
  }
  if (!isHttpUrl(graphqlEndpoint)) {
    const message = `"graphql-endpoint" cannot be "${graphqlEndpoint}": use a URL such as https://graphql.buildkite.com/v1`;
    findings.push({ property: 'graphqlEndpoint', message });
  }
  if (!isHttpUrl(agentConfig?.endpoint ?? '')) {
    const culprit = `"agent-config.endpoint" cannot be "${agentConfig?.endpoint ?? ''}"`;
    const message = `${culprit}: use a URL such as https://agent.buildkite.com/v3`;
    findings.push({ property: 'agentConfig', path: ['endpoint'], message });
  }
  return findings;
}

function isHostAndPort(text: string): boolean {
  const port = HOST_PORT.exec(text)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

/** An absolute HTTP URL, or nothing. */
function isHttpUrl(text: string): boolean {
  return text === '' || (/^https?:\/\/[^\s/]+/.test(text) && URL.canParse(text));
}

function tags({ tags }: ControllerConfig): Finding[] {
  return tags.flatMap((tag, index) => {
    if (tag.indexOf('=') > 0) return [];
    const message = `tag "${tag}" is not of the form key=value: write for example "queue=kubernetes"`;
    return [{ property: 'tags', path: [index], message }] as const;
  });
}

function tagsTwice({ tags }: ControllerConfig): Finding[] {
  const findings: Finding[] = [];
  const values = new Map<string, string>();
  for (const [index, tag] of tags.entries()) {
    const at = tag.indexOf('=');
    const [name, value] = [tag.slice(0, at), tag.slice(at + 1)];
    const earlier = values.get(name);
    if (earlier !== undefined && earlier !== value) {
      const message = `tag "${name}" is given as "${earlier}" and as "${value}": an agent has one value for a tag, and the last one counts; delete the others`;
      findings.push({ property: 'tags', path: [index], message });
    }
    values.set(name, value);
  }
  return findings;
}

/** The file need not hold complete hooks: that is what is checked here. */
type MaybeHook = Partial<AdditionalHook>;

function additionalHooks(hooks: readonly MaybeHook[]): Finding[] {
  return hooks.flatMap((hook, index) =>
    missingParts(hook).map(([part, remedy]) => {
      const key = `agent-config.additional-hooks[${index}].${part}`;
      const path = ['additional-hooks', index, ...part.split('.')];
      return { property: 'agentConfig', path, message: `"${key}" is required: ${remedy}` } as const;
    }),
  );
}

function missingParts({ path, volume }: MaybeHook): (readonly [part: string, remedy: string])[] {
  const missing: (readonly [string, string])[] = [];
  if (!isText(path)) missing.push(['path', 'say where the volume is mounted']);
  if (volume === undefined)
    missing.push(['volume', 'say which volume holds the hooks, or use "additional-hooks-paths"']);
  else if (!isText(volume.name)) missing.push(['volume.name', 'the volume needs a name']);
  return missing;
}

function isText(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

/** Volumes of the agent go into one pod, where Kubernetes wants every name once. */
function agentVolumes({ agentConfig = {} }: ControllerConfig): Finding[] {
  const hooks: readonly MaybeHook[] = agentConfig['additional-hooks'] ?? [];
  const volumes: readonly (readonly [readonly PathSegment[], V1Volume | undefined])[] = [
    [['hooksVolume'], agentConfig.hooksVolume],
    ...hooks.map(({ volume }, index) => [['additional-hooks', index, 'volume'], volume] as const),
    [['pluginsVolume'], agentConfig.pluginsVolume],
    [['signingJWKSVolume'], agentConfig.signingJWKSVolume],
    [['verificationJWKSVolume'], agentConfig.verificationJWKSVolume],
  ];
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const [path, volume] of volumes) {
    if (volume === undefined || !isText(volume.name)) continue;
    if (seen.has(volume.name)) {
      const message = `two volumes of "agent-config" are called "${volume.name}": give each its own name`;
      findings.push({ property: 'agentConfig', path: [...path, 'name'], message });
    }
    seen.add(volume.name);
  }
  return findings;
}

function podSpecPatch(config: ControllerConfig): Finding[] {
  const containers = config.podSpecPatch?.['containers'];
  if (!Array.isArray(containers)) return [];
  const mayHaveCommand = config.allowPodSpecPatchUnsafeCommandModification;
  return containers.flatMap((container: PatchedContainer | null, index) => [
    ...patchedImage(container ?? {}, index),
    ...(mayHaveCommand ? [] : patchedCommand(container ?? {}, index)),
  ]);
}

/** As far as it is checked here; the schema has seen to the types. */
interface PatchedContainer {
  readonly image?: string | null;
  readonly command?: readonly string[] | null;
  readonly args?: readonly string[] | null;
}

function patchedImage({ image }: PatchedContainer, index: number): Finding[] {
  if (typeof image !== 'string' || image === image.toLowerCase()) return [];
  const message = `image "${image}" in "pod-spec-patch" has capital letters: write "${image.toLowerCase()}"`;
  return [{ property: 'podSpecPatch', path: ['containers', index, 'image'], message }];
}

function patchedCommand(container: PatchedContainer, index: number): Finding[] {
  return (['command', 'args'] as const)
    .filter((field) => (container[field] ?? []).length > 0)
    .map((field) => ({
      property: 'podSpecPatch',
      path: ['containers', index, field],
      message: commandMessage(index, field),
    }));
}

function commandMessage(index: number, field: string): string {
  return (
    `"pod-spec-patch.containers[${index}].${field}" is not supported, as it replaces what runs the job: ` +
    'set the command in the pipeline, or allow it with "allow-pod-spec-patch-unsafe-command-modification: true"'
  );
}

function defaultResourceClass({ defaultResourceClassName, resourceClasses }: ControllerConfig): Finding[] {
  if (defaultResourceClassName === '') return [];
  const culprit = `"default-resource-class-name" is "${defaultResourceClassName}"`;
  const classes = Object.keys(resourceClasses ?? {});
  if (classes.includes(defaultResourceClassName)) return [];
  const closest = closestName(defaultResourceClassName, classes);
  const hint = closest === undefined ? '' : `; did you mean "${closest}"?`;
  const message =
    classes.length === 0
      ? `${culprit}, but no "resource-classes" are defined: define it there, or delete the default`
      : `${culprit}, which is not in "resource-classes": use one of ${classes.join(', ')}${hint}`;
  return [{ property: 'defaultResourceClassName', message }];
}

function jobSource({ jobSource, org, buildkiteToken }: ControllerConfig): Finding[] {
  if (jobSource !== 'graphql') return [];
  const findings: Finding[] = [];
  const missing = (key: string): string => `"job-source: graphql" needs "${key}": set it, or use "job-source: stacks"`;
  if (org === '') findings.push({ property: 'jobSource', message: missing('org') });
  if (buildkiteToken === '') findings.push({ property: 'jobSource', message: missing('buildkite-token') });
  return findings;
}
