import type { V1Container, V1EnvFromSource, V1PodSpec, V1VolumeMount } from '@kubernetes/client-node';
import type { CheckoutParams, CommandParams, Metadata, PodSpecPatch, SidecarParams } from '../config/config.js';
import { sectionDefinitions } from '../config/section-definitions.js';
import { isRecord } from '../is-record.js';
import { fail, ok, type Result } from '../result.js';
import { decode, formatIssue, formatPath, type DecodeIssue } from '../schema/decode.js';
import type { JsonSchema } from '../schema/json-schema.js';
import { kubernetesDefinitions } from '../schema/kubernetes-definitions.generated.js';
import type { JobFailure, JobWarning } from './job.js';

/** The `kubernetes` plugin of a step, decoded. */
export interface KubernetesPlugin {
  readonly podSpec?: V1PodSpec;
  readonly podSpecPatch?: PodSpecPatch;
  /** Name of a PodTemplate in the controller's namespace; used when there is no podSpec. */
  readonly podTemplate?: string;
  readonly gitEnvFrom?: readonly V1EnvFromSource[];
  readonly sidecars?: readonly V1Container[];
  readonly metadata?: Metadata;
  readonly extraVolumeMounts?: readonly V1VolumeMount[];
  readonly checkout?: CheckoutParams;
  readonly commandParams?: CommandParams;
  readonly sidecarParams?: SidecarParams;
  /** Replaces the configured deadline when above 0. */
  readonly jobActiveDeadlineSeconds?: number;
}

/** The one source under which Buildkite sends the plugin. */
export const KUBERNETES_PLUGIN = 'github.com/buildkite-plugins/kubernetes-buildkite-plugin';

const listOf = (name: string): JsonSchema => ({ type: 'array', items: { $ref: `#/definitions/${name}` } });

/** Shape of the plugin; `podSpecPatch` is decoded as a patch (nulls and directives allowed). */
export const kubernetesPluginSchema: JsonSchema = {
  type: 'object',
  properties: {
    podSpec: { $ref: '#/definitions/PodSpec' },
    podSpecPatch: { $ref: '#/definitions/PodSpec' },
    podTemplate: { type: 'string' },
    gitEnvFrom: listOf('EnvFromSource'),
    sidecars: listOf('Container'),
    metadata: { $ref: '#/definitions/Metadata' },
    extraVolumeMounts: listOf('VolumeMount'),
    checkout: { $ref: '#/definitions/CheckoutParams' },
    commandParams: { $ref: '#/definitions/CommandParams' },
    sidecarParams: { $ref: '#/definitions/SidecarParams' },
    jobActiveDeadlineSeconds: { type: 'integer' },
  },
  additionalProperties: false,
};

/** What the plugin's schema refers to. */
export const pluginDefinitions: Readonly<Record<string, JsonSchema>> = {
  ...kubernetesDefinitions,
  ...sectionDefinitions,
};

export interface PluginOptions {
  /** `prohibit-kubernetes-plugin`. */
  readonly prohibited: boolean;
  /** `strict-plugin`: unknown fields fail the job instead of giving a warning. */
  readonly strict: boolean;
}

export interface ParsedPlugin {
  readonly plugin: KubernetesPlugin;
  readonly warnings: readonly JobWarning[];
}

/** Reads the `kubernetes` plugin from a job's `BUILDKITE_PLUGINS`; a job without it gets an empty plugin. */
export function parseKubernetesPlugin(
  env: Readonly<Record<string, string>>,
  options: PluginOptions,
): Result<ParsedPlugin, JobFailure> {
  const entries = parsePluginList(env['BUILDKITE_PLUGINS'] ?? '');
  if (!entries.ok) return fail(invalid(entries.error));
  const warnings = entries.value.flatMap(([source]) => lookalikeWarning(source));
  const ours = entries.value.filter(([source]) => source === KUBERNETES_PLUGIN).map(([, value]) => value);
  if (options.prohibited && ours.length > 0) {
    return fail({
      reason: 'plugin-prohibited',
      text: 'the kubernetes plugin is prohibited by this controller, but was configured on this job',
    });
  }
  // A later plugin's fields win over an earlier one's; a later null takes the earlier back.
  const merged = ours.reduce<unknown>((earlier, later) => (later === null ? null : overlay(earlier, later)), null);
  if (merged === null) return ok({ plugin: {}, warnings });
  const decoded = decodePlugin(merged, options);
  return decoded.ok ? ok({ ...decoded.value, warnings: [...warnings, ...decoded.value.warnings] }) : decoded;
}

function parsePluginList(text: string): Result<readonly (readonly [string, unknown])[], string> {
  if (text === '') return ok([]);
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return unparsable(`BUILDKITE_PLUGINS is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (list === null) return ok([]);
  if (!Array.isArray(list)) return unparsable('BUILDKITE_PLUGINS must be a list of plugins');
  const entries: (readonly [string, unknown])[] = [];
  for (const [index, element] of list.entries()) {
    const entry = pluginEntry(element, index);
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  return ok(entries);
}

function pluginEntry(element: unknown, index: number): Result<readonly [string, unknown], string> {
  if (element !== null && !isRecord(element)) return unparsable(`element ${index} ${PLUGIN_SHAPE}`);
  const [field, ...more] = Object.entries(element ?? {});
  return field === undefined || more.length > 0
    ? fail(`found invalid plugin: element ${index} ${PLUGIN_SHAPE}`)
    : ok(field);
}

const PLUGIN_SHAPE = "of BUILDKITE_PLUGINS must be an object with the plugin's source as its one key";

function unparsable(why: string): Result<never, string> {
  return fail(`failed parsing plugins: ${why}`);
}

/** The agent in the pod removes the plugin only under its exact source, so a near miss is not taken for it: it is named. */
function lookalikeWarning(source: string): JobWarning[] {
  const looksAlike =
    source !== KUBERNETES_PLUGIN && /^(?:.*\/)?kubernetes(?:-buildkite-plugin)?(?:\.git)?(?:#.*)?$/.test(source);
  if (!looksAlike) return [];
  return [
    {
      code: 'plugin-not-recognised',
      text: `plugin "${source}" looks like the kubernetes plugin but is ignored: it is known only as "${KUBERNETES_PLUGIN}", which Buildkite writes for "kubernetes" without version or owner in a pipeline`,
      path: source,
    },
  ];
}

function overlay(earlier: unknown, later: unknown): unknown {
  if (!isRecord(earlier) || !isRecord(later)) return later;
  const merged: Record<string, unknown> = { ...earlier };
  for (const [key, value] of Object.entries(later)) merged[key] = overlay(merged[key], value);
  return merged;
}

function decodePlugin(value: unknown, { strict }: PluginOptions): Result<ParsedPlugin, JobFailure> {
  const { plugin, issues } = decodeKubernetesPlugin(value);
  const errors = issues.filter((issue) => !isLenient(issue));
  if (errors.length > 0) {
    const text = `failed parsing Kubernetes plugin: ${errors.map(formatIssue).join('; ')}`;
    return fail({ reason: 'plugin-invalid', text, path: pathOf(errors) });
  }
  if (strict && issues.length > 0) {
    const text = `the kubernetes plugin has fields this controller does not know, and strict-plugin is on: ${issues.map(formatIssue).join('; ')}`;
    return fail({ reason: 'plugin-unknown-field', text, path: pathOf(issues) });
  }
  const warnings = issues.map((issue) => ({
    code: issue.kind,
    text: formatIssue(issue),
    path: formatPath(issue.path),
  }));
  return ok({ plugin, warnings });
}

/** What can be used of the plugin's configuration, and all that is wrong with it; `podSpecPatch` may hold nulls and directives, the rest may not. */
export function decodeKubernetesPlugin(value: unknown): { plugin: KubernetesPlugin; issues: readonly DecodeIssue[] } {
  if (!isRecord(value))
    return { plugin: {}, issues: decode(value, kubernetesPluginSchema, { definitions: pluginDefinitions }).issues };
  const { podSpecPatch, ...rest } = value;
  const decoded = decode(rest, kubernetesPluginSchema, { definitions: pluginDefinitions });
  const decodedPatch = decode({ podSpecPatch: podSpecPatch ?? undefined }, kubernetesPluginSchema, {
    definitions: pluginDefinitions,
    patch: true,
  });
  // Both values were decoded against the plugin's schema just above.
  const plugin = Object.assign({}, decoded.value, decodedPatch.value) as KubernetesPlugin;
  return { plugin, issues: [...decoded.issues, ...decodedPatch.issues] };
}

/** Whether the job runs all the same: what is wrong is left out, or overwritten as every pod's restart policy is. */
export function isLenient({ kind, path }: DecodeIssue): boolean {
  const isOverwritten = kind === 'not-allowed' && path.length === 2 && path[1] === 'restartPolicy';
  return isOverwritten || kind === 'unknown-field' || kind === 'wrong-case' || kind === 'missing-field';
}

function pathOf(issues: readonly DecodeIssue[]): string | undefined {
  const [first] = issues;
  return first === undefined ? undefined : formatPath(first.path);
}

function invalid(text: string): JobFailure {
  return { reason: 'plugin-invalid', text };
}
