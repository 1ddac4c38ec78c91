import fc from 'fast-check';
import { CONFIG_ENTRIES } from '../../../src/core/config/schema.js';
import { sectionDefinitions } from '../../../src/core/config/section-definitions.js';
import type { JsonSchema } from '../../../src/core/schema/json-schema.js';
import { problemsOf } from './resolve.js';

describe('resolveConfig: properties', () => {
  const keys = CONFIG_ENTRIES.map(({ key }) => key.key);
  const fields = Object.values<JsonSchema>(sectionDefinitions).flatMap(({ properties }) =>
    Object.keys(properties ?? {}),
  );
  const nested = fc.constantFrom(...fields, 'containers', 'name', 'image', 'volume', 'command', '$patch');
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, -1, 1.5, '', 'a', 'a=b', '10m', 'yes'),
      fc.string(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(nested, tie('value'), { maxKeys: 4 }),
    ),
  })).value;

  it('never throws, whatever the file holds', () => {
    const file = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 6 });

    fc.assert(
      fc.property(file, (content) => void problemsOf({ yaml: JSON.stringify(content) })),
      { numRuns: 200 },
    );
  });

  it('never throws, whatever the text of the file is', () => {
    const text = fc.array(
      fc.constantFrom(
        'a',
        ': ',
        '- ',
        '\n',
        '  ',
        '&x ',
        '*x',
        '<<',
        '{',
        '}',
        '[',
        ']',
        '"',
        '|',
        '---',
        '0',
        '!!set ',
      ),
      {
        maxLength: 30,
      },
    );

    fc.assert(
      fc.property(text, (parts) => void problemsOf({ yaml: parts.join('') })),
      { numRuns: 200 },
    );
  });
});
