import { textTable } from './text-table.js';

/** One field and its sources, as the app layer returns it. */
export interface ExplainRow {
  readonly path: string;
  readonly value: unknown;
  readonly layer: string;
  readonly inputs: readonly {
    readonly layer: string;
    readonly name: string;
    readonly isDefault: boolean;
    readonly at?: string;
  }[];
}

export interface ExplainSection {
  readonly title: string;
  readonly fields: readonly ExplainRow[];
}

/** Explanations as a table per job, or as JSON: one object for one job, else a list. */
export function formatExplanations(sections: readonly ExplainSection[], format: 'text' | 'json'): string {
  if (format === 'json') return `${JSON.stringify(sections.length === 1 ? sections[0] : sections, undefined, 2)}\n`;
  return sections
    .map(({ title, fields }) => {
      const heading = sections.length === 1 ? '' : `# ${title}\n`;
      return heading + textTable(['FIELD', 'VALUE', 'SET BY', 'WHERE'], fields.map(row));
    })
    .join('\n');
}

function row({ path, value, layer, inputs }: ExplainRow): readonly string[] {
  const places = [...new Set(inputs.flatMap(({ at }) => at ?? []))];
  return [path, shortValue(value), setBy(layer, inputs), places.join(', ')];
}

function setBy(layer: string, inputs: ExplainRow['inputs']): string {
  const names = inputs.map(({ layer: of, name, isDefault }) => {
    const prefix = of === 'plugin' || of === 'podTemplate' || of === 'step' ? `${of} ` : '';
    return `${prefix}${name}${isDefault ? ' (default)' : ''}`;
  });
  if (layer !== 'generated') return names.join(' + ');
  return names.length === 0 ? 'generated' : `generated for ${names.join(' + ')}`;
}

function shortValue(value: unknown): string {
  const text = typeof value === 'string' ? value.replaceAll('\n', '\\n') : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
