import type { V1Job } from '@kubernetes/client-node';
import { textTable } from './text-table.js';
import { toYamlStream } from './manifest-yaml.js';

export type RenderFormat = 'yaml' | 'json' | 'name' | 'table';
export const RENDER_FORMATS: readonly RenderFormat[] = ['yaml', 'json', 'name', 'table'];

/** What the formats need to know of a rendered job. */
export interface RenderRow {
  readonly title: string;
  readonly origin: { readonly number: number; readonly choice: string } | undefined;
  readonly manifest: V1Job | undefined;
}

/** The jobs that could be built, in one of the formats: documents, an object (or a `v1` List), resource names, or a table. */
export function formatRendering(jobs: readonly RenderRow[], format: RenderFormat): string {
  const manifests = jobs.flatMap(({ manifest }) => manifest ?? []);
  switch (format) {
    case 'yaml':
      return toYamlStream(manifests);
    case 'json': {
      // What was asked for decides on the shape, not what could be built of it.
      if (jobs.length === 1) return manifests.map(asJson).join('');
      return asJson({ apiVersion: 'v1', kind: 'List', items: manifests });
    }
    case 'name':
      return manifests.map((manifest) => `job.batch/${manifest.metadata?.name ?? ''}\n`).join('');
    case 'table':
      return jobTable(jobs);
  }
}

function jobTable(jobs: readonly RenderRow[]): string {
  return textTable(
    ['STEP', 'TITLE', 'JOB', 'CONTAINERS', 'IMAGES'],
    jobs.map(({ title, origin, manifest }) => {
      const containers = manifest?.spec?.template.spec?.containers ?? [];
      const images = new Set(
        containers.filter(({ name }) => name !== 'agent' && name !== 'checkout').map(({ image = '' }) => image),
      );
      return [
        origin === undefined ? '-' : String(origin.number),
        title,
        manifest?.metadata?.name ?? 'cannot be built',
        containers.map(({ name }) => name).join(','),
        [...images].join(','),
      ];
    }),
  );
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
