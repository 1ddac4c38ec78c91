const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED_PART = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED_PART})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

const patterns = {
  label: new RegExp(`^${LABEL}$`),
  subdomain: new RegExp(`^${SUBDOMAIN}$`),
  qualifiedPart: new RegExp(`^${QUALIFIED_PART}$`),
  labelValue: new RegExp(`^${LABEL_VALUE}$`),
  configKey: new RegExp(`^${CONFIG_KEY}$`),
} as const;

/** What is wrong with a name, in the API server's words; empty when nothing is. */
export type NameCheck = (value: string) => readonly string[];

function regexMessage(message: string, regex: string, ...examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${shown}regex used for validation is '${regex}')`;
}

/** The API server's wording for a text of too many bytes. */
function maxBytes(limit: number): string {
  return `must be no more than ${limit} bytes`;
}

/** The API server's wording for a number outside of a range. */
export function inclusiveRange(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

/** Names of containers and volumes, and of namespaces. */
export const dns1123Label: NameCheck = (value) => {
  const length = value.length > 63 ? [maxBytes(63)] : [];
  if (patterns.label.test(value)) return length;
  if (patterns.subdomain.test(value)) return [...length, 'must not contain dots'];
  const rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
    'and must start and end with an alphanumeric character';
  return [...length, regexMessage(rule, LABEL, 'my-name', '123-abc')];
};

/** Names of most objects. */
export const dns1123Subdomain: NameCheck = (value) => [
  ...(value.length > 253 ? [maxBytes(253)] : []),
  ...(patterns.subdomain.test(value)
    ? []
    : [
        regexMessage(
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
            'and must start and end with an alphanumeric character',
          SUBDOMAIN,
          'example.com',
        ),
      ]),
];

function qualifiedNamePart(name: string): readonly string[] {
  return [
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...(name.length > 63 ? [`name part ${maxBytes(63)}`] : []),
    ...(patterns.qualifiedPart.test(name)
      ? []
      : [
          'name part ' +
            regexMessage(
              "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
              QUALIFIED_PART,
              'MyName',
              'my.name',
              '123-abc',
            ),
        ]),
  ];
}

/** Keys of labels and annotations, finalizers, resource names: an optional prefix, `/`, a name. */
export const qualifiedName: NameCheck = (value) => {
  const parts = value.split('/');
  const [first = '', second] = parts;
  if (parts.length > 2) {
    return [
      'a valid label key ' +
        regexMessage(
          "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
          QUALIFIED_PART,
          'MyName',
          'my.name',
          '123-abc',
        ) +
        " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  if (second === undefined) return qualifiedNamePart(first);
  const prefix = first === '' ? ['must be non-empty'] : dns1123Subdomain(first);
  return [...prefix.map((message) => `prefix part ${message}`), ...qualifiedNamePart(second)];
};

/** Values of labels. */
export const labelValue: NameCheck = (value) => [
  ...(value.length > 63 ? [maxBytes(63)] : []),
  ...(patterns.labelValue.test(value)
    ? []
    : [
        regexMessage(
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
            'and must start and end with an alphanumeric character',
          LABEL_VALUE,
          'MyValue',
          'my_value',
          '12345',
        ),
      ]),
];

/** Keys of Secrets and ConfigMaps. */
export const configKey: NameCheck = (value) => {
  if (value.length > 253) return [maxBytes(253)];
  if (!patterns.configKey.test(value)) {
    const message = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    return [regexMessage(message, CONFIG_KEY, 'key.name', 'KEY_NAME', 'key-name')];
  }
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
};

/** Names of environment variables: since 1.34 any printable ASCII but `=`. */
export const envVarName: NameCheck = (value) =>
  /^[\x20-\x3c\x3e-\x7e]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

/** Names of container ports. */
export const portName: NameCheck = (value) => [
  ...(value.length > 15 ? [maxBytes(15)] : []),
  ...(/^[-a-z0-9]+$/.test(value) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
  ...(/[a-z]/.test(value) ? [] : ['must contain at least one letter (a-z)']),
  ...(value.includes('--') ? ['must not contain consecutive hyphens'] : []),
  ...(/^-|-$/.test(value) ? ['must not begin or end with a hyphen'] : []),
];

/** The check for a prefix that a random suffix will follow: one trailing `-` is fine. */
export function asPrefix(check: NameCheck): NameCheck {
  return (value) => check(value.length > 1 && value.endsWith('-') ? `${value.slice(0, -1)}a` : value);
}
