import type { V1Container, V1Job } from '@kubernetes/client-node';
import { stringify } from 'yaml';

/**
 * The text that fails a job whose manifest the API server refuses: its words, then the manifest. Values of variables that the
 * pipeline or the configuration set are left out: they may be secrets, and a build has many readers.
 */
export function rejectionText(message: string, manifest: V1Job): string {
  const spec = manifest.spec;
  const podSpec = spec?.template.spec;
  if (spec === undefined || podSpec === undefined)
    return `Kubernetes rejected the podSpec built by agent-stack-k8s: ${message}`;
  const shown = {
    ...manifest,
    spec: {
      ...spec,
      template: {
        ...spec.template,
        spec: {
          ...podSpec,
          initContainers: (podSpec.initContainers ?? []).map(maskValues),
          containers: podSpec.containers.map(maskValues),
        },
      },
    },
  };
  return `Kubernetes rejected the podSpec built by agent-stack-k8s: ${message}\n\n${stringify(shown)}`;
}

function maskValues(container: V1Container): V1Container {
  if (container.env === undefined) return container;
  const env = container.env.map((variable) =>
    variable.value === undefined || variable.name.startsWith('BUILDKITE_')
      ? variable
      : { ...variable, value: '[redacted]' },
  );
  return { ...container, env };
}
