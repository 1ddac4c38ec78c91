import { Document, isScalar, visit } from 'yaml';

/** Words and shapes that one YAML version or another takes for something else than a string. */
const AMBIGUOUS = /^(?:[-+.]?[0-9].*|y|n|yes|no|on|off|true|false|null|~|<<|=|\.nan|[-+]?\.inf)$/is;

/** An object as YAML that every reader of YAML 1.1 or 1.2 understands alike; keys keep their order, long lines are not folded. */
export function toYaml(value: unknown): string {
  return print(new Document(value, { aliasDuplicateObjects: false }));
}

/** The same with sorted keys: two objects that mean the same are the same text, for comparing. */
export function toSortedYaml(value: unknown): string {
  return print(new Document(value, { aliasDuplicateObjects: false, sortMapEntries: true }));
}

function print(document: Document): string {
  visit(document, {
    Scalar(_, node) {
      if (isScalar(node) && typeof node.value === 'string' && AMBIGUOUS.test(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** Several objects as a stream of documents. */
export function toYamlStream(values: readonly unknown[]): string {
  return values.map(toYaml).join('---\n');
}
