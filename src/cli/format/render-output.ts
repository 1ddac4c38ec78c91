import type { V1Job } from '@kubernetes/client-node';
import { UsageError } from '../../core/errors.js';
import { textTable } from './text-table.js';
import { toYamlStream } from './manifest-yaml.js';

export type RenderFormat = 'yaml' | 'json' | 'name' | 'table';
export const RENDER_FORMATS: readonly RenderFormat[] = ['yaml', 'json', 'name', 'table'];

/** Throws a `UsageError` for a format that an explanation or a difference cannot have: names and tables are of manifests. */
export function checkFormat(flags: { output: string; explain?: string | undefined; diff: boolean }): void {
  const { output, explain, diff } = flags;
  if ((explain === undefined && !diff) || output === 'yaml' || output === 'json') return;
  const mode = diff ? '--diff' : '--explain';
  throw new UsageError(`${mode} cannot be printed as --output ${output}; use json, or leave --output out for text`);
}

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
