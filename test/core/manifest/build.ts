import type { V1Container, V1Job, V1PodSpec } from '@kubernetes/client-node';
import { deepFreeze } from '../../../src/core/deep-freeze.js';
import type { JobFailure, JobWarning } from '../../../src/core/job/job.js';
import { KUBERNETES_PLUGIN } from '../../../src/core/job/kubernetes-plugin.js';
import { buildJob } from '../../../src/core/manifest/build-job.js';
import type { BuildJobInput } from '../../../src/core/manifest/job-manifest.js';
import { configOf } from '../config/resolve.js';

export interface Given {
  /** YAML of the configuration file. */
  readonly config?: string;
  /** Value of the job's kubernetes plugin. */
  readonly plugin?: unknown;
  readonly command?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly rules?: readonly string[];
  readonly template?: V1PodSpec;
}

export const JOB_ID = '7c1d7a52-9f43-4f7e-8a58-5a1d6c2e9b10';

/** The builder's input, frozen to the bottom: a builder that writes to it throws. */
export function inputOf({
  config = '',
  plugin,
  command = 'make',
  env = {},
  rules = [],
  template,
}: Given): BuildJobInput {
  const plugins = plugin === undefined ? {} : { BUILDKITE_PLUGINS: JSON.stringify([{ [KUBERNETES_PLUGIN]: plugin }]) };
  return deepFreeze({
    job: { id: JOB_ID, command, env: { ...plugins, ...env }, agentQueryRules: rules, priority: 0 },
    config: configOf({ yaml: config }),
    version: 'v0.0.0',
    podTemplateSpec: template,
  });
}

export interface Built {
  readonly manifest: V1Job;
  readonly pod: V1PodSpec;
  readonly warnings: readonly JobWarning[];
  /** A container, init containers included, by its name. */
  readonly container: (name: string) => V1Container;
  /** The value of a variable; of several the last. */
  readonly variable: (container: string, name: string) => string | undefined;
}

/** Builds what must be buildable. */
export function build(given: Given): Built {
  const built = buildJob(inputOf(given));
  if (!built.ok) throw new Error(built.error.text);
  const { manifest, warnings } = built.value;
  const pod = manifest.spec?.template.spec;
  if (pod === undefined) throw new Error('the manifest has no pod');
  const container = (name: string): V1Container => {
    const found = [...(pod.initContainers ?? []), ...pod.containers].find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`no container "${name}"`);
    return found;
  };
  const variable = (name: string, key: string): string | undefined =>
    container(name).env?.findLast((candidate) => candidate.name === key)?.value;
  return { manifest, pod, warnings, container, variable };
}

/** The failure of what must not be buildable. */
export function failure(given: Given): JobFailure {
  const built = buildJob(inputOf(given));
  if (built.ok) throw new Error('the job was built');
  return built.error;
}
