/** What SARIF 2.1.0 (OASIS standard) asks of the parts that we write, in our own words: unknown properties are refused. */
const text = { type: 'string' } as const;
const position = { type: 'integer', minimum: 1 } as const;

function object(properties: Readonly<Record<string, unknown>>, required: readonly string[] = []): object {
  return { type: 'object', properties, required, additionalProperties: false };
}

function list(items: unknown): object {
  return { type: 'array', items };
}

const message = object({ text, markdown: text, id: text, arguments: list(text) });
const multiformat = object({ text, markdown: text }, ['text']);
const artifactLocation = object({
  uri: { type: 'string', format: 'uri-reference' },
  uriBaseId: text,
  index: { type: 'integer' },
});
const region = object({ startLine: position, startColumn: position, endLine: position, endColumn: position });
const location = object({
  id: { type: 'integer', minimum: -1 },
  physicalLocation: object({ artifactLocation, region }),
  message,
});
const level = { enum: ['none', 'note', 'warning', 'error'] };
const bag = { type: 'object', properties: { tags: { ...list(text), uniqueItems: true } } };

const descriptor = object(
  {
    ...{ id: text, name: text, shortDescription: multiformat, fullDescription: multiformat, help: multiformat },
    helpUri: { type: 'string', format: 'uri' },
    defaultConfiguration: object({ enabled: { type: 'boolean' }, level }),
    properties: bag,
  },
  ['id'],
);

const fix = object(
  {
    description: message,
    artifactChanges: {
      ...list(
        object(
          {
            artifactLocation,
            replacements: {
              ...list(object({ deletedRegion: region, insertedContent: object({ text }) }, ['deletedRegion'])),
              minItems: 1,
            },
          },
          ['artifactLocation', 'replacements'],
        ),
      ),
      minItems: 1,
    },
  },
  ['artifactChanges'],
);

const suppression = object(
  {
    kind: { enum: ['inSource', 'external'] },
    status: { enum: ['accepted', 'underReview', 'rejected'] },
    justification: { type: 'string', minLength: 1 },
  },
  ['kind'],
);

const result = object(
  {
    ...{ ruleId: text, ruleIndex: { type: 'integer', minimum: -1 }, level, message },
    locations: list(location),
    relatedLocations: { ...list(location), uniqueItems: true },
    partialFingerprints: { type: 'object', additionalProperties: text },
    suppressions: { ...list(suppression), uniqueItems: true },
    fixes: { ...list(fix), uniqueItems: true },
    properties: bag,
  },
  ['message'],
);

const run = object(
  {
    tool: object(
      {
        driver: object(
          { name: text, version: text, semanticVersion: text, rules: { ...list(descriptor), uniqueItems: true } },
          ['name'],
        ),
      },
      ['driver'],
    ),
    automationDetails: object({ id: text }),
    columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
    invocations: list(object({ executionSuccessful: { type: 'boolean' } }, ['executionSuccessful'])),
    artifacts: { ...list(object({ location: artifactLocation })), uniqueItems: true },
    results: list(result),
  },
  ['tool'],
);

/** A draft-07 schema of a SARIF log. */
export const SARIF_SCHEMA = object(
  { $schema: { type: 'string', format: 'uri' }, version: { const: '2.1.0' }, runs: list(run) },
  ['version', 'runs'],
);
