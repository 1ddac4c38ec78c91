import type { Scalar, ScalarTag, Tags } from 'yaml';

const GO_INTEGER = /^[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-f_]+|[0-9][0-9_]*)$/i;
const GO_FLOAT = /^[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:e[-+]?[0-9]+)?$/i;
const OLD_OCTAL = /^[-+]?0[0-7_]+$/;
const SEXAGESIMAL = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
/** Keys whose values are file modes: there an octal number is what everybody means. */
const FILE_MODE_KEYS: ReadonlySet<unknown> = new Set(['mode', 'defaultMode']);

const goInteger: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: GO_INTEGER,
  resolve: (source) => readInteger(source.replaceAll('_', '')),
};

const goFloat: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: GO_FLOAT,
  resolve: (source) => Number(source.replaceAll('_', '')),
};

function readInteger(source: string): number {
  const digits = source.replace(/^[-+]/, '');
  const value = OLD_OCTAL.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return source.startsWith('-') ? -value : value;
}

/**
 * The scalar types of the YAML reader of the Go controller (sigs.k8s.io/yaml): those of YAML 1.1, but `12:30` and dates
 * stay text and `0o17` is a number.
 */
export function goTags(tags: Tags): Tags {
  const others = tags.filter((tag) => typeof tag === 'string' || !/:(?:int|float|timestamp)$/.test(tag.tag));
  return [...others, goInteger, goFloat];
}

/**
 * Warns of a plain scalar that YAML 1.1 and 1.2 read differently, so that author and program may disagree about it.
 * `key` is the key whose value it is; undefined for keys themselves and list elements.
 */
export function dialectTrap(scalar: Scalar, key?: unknown): string | undefined {
  const { source, value } = scalar;
  if (scalar.type !== 'PLAIN' || source === undefined) return undefined;
  if (typeof value === 'boolean') {
    if (/^(?:true|false)$/i.test(source)) return undefined;
    return `"${source}" is read as the boolean ${value}, as in YAML 1.1; write ${value}, or quote it if text is meant`;
  }
  if (typeof value === 'number') return numberTrap(source, value, key);
  if (SEXAGESIMAL.test(source)) {
    return `"${source}" is read as text, but as a number of base 60 by other YAML 1.1 readers; quote it`;
  }
  return undefined;
}

function numberTrap(source: string, value: number, key: unknown): string | undefined {
  if (OLD_OCTAL.test(source) && !FILE_MODE_KEYS.has(key)) {
    return `"${source}" is read as the octal number ${value}, as in YAML 1.1; write ${value}, or quote it if text is meant`;
  }
  if (source.includes('_') || /^[-+]?0b/i.test(source)) {
    return `"${source}" is read as the number ${value}, as in YAML 1.1; write ${value}, or quote it if text is meant`;
  }
  return undefined;
}
