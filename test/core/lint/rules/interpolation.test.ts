import { expect } from 'chai';
import type { LintWorld } from '../../../../src/core/lint/world.js';
import { lintText } from '../../../support/lint.js';

/** `line:column rule` of the findings about the upload, and whether they are errors. */
function placesOf(text: string, known: Partial<LintWorld> = {}): readonly string[] {
  return lintText(text, known)
    .filter(({ rule }) => rule.startsWith('interpolation/'))
    .map(({ line, column, rule, severity }) => `${line}:${column} ${severity} ${rule.slice('interpolation/'.length)}`);
}

const PIPELINE = `steps:
  - command: awk '{print $1}' \${FILES[@]} $HOME $BUILDKITE_JOB_ID $COLOUR
    if: build.tag =~ /^v$/
    image: registry.example.com/$NAME:1
    env: { COLOUR: blue }
`;

describe('rules about the interpolation', () => {
  it('are silent for pipelines that are uploaded without it', () => {
    const places = placesOf(PIPELINE, { interpolate: false });

    expect(places).to.deep.equal([]);
  });

  it('are silent about files that are no pipelines', () => {
    const places = placesOf('services:\n  app:\n    command: echo $1 $HOME\n');

    expect(places).to.deep.equal([]);
  });

  it('find all mistakes of one step', () => {
    const places = placesOf(PIPELINE);

    expect(places).to.deep.equal([
      '2:26 error syntax',
      '2:31 error bash-expansion',
      '2:43 warning host-variable',
      '2:49 warning uploader-variable',
      '2:67 error step-env-scope',
      '3:25 error regex-dollar',
      '4:33 warning empty-result',
    ]);
  });

  const known: [name: string, world: Partial<LintWorld>, gone: string][] = [
    ['a variable with a value', { env: { NAME: 'app' } }, 'empty-result'],
    ['a variable without a value here', { knownEnv: ['NAME'] }, 'empty-result'],
    ['the same value as the step has', { env: { COLOUR: 'blue' } }, 'step-env-scope'],
    ['a value that may be the same', { knownEnv: ['COLOUR'] }, 'step-env-scope'],
  ];
  for (const [name, world, gone] of known) {
    it(`know ${name} from the world`, () => {
      const places = placesOf(PIPELINE, world);

      expect(placesOf(PIPELINE).filter((place) => !places.includes(place))).to.have.lengthOf(1);
      expect(places.some((place) => place.endsWith(gone))).to.equal(false);
    });
  }

  it('only warn when the upload has another value than the step', () => {
    const places = placesOf(PIPELINE, { env: { COLOUR: 'red' } });

    expect(places).to.include('2:67 warning step-env-scope');
  });

  it('find their places in CRLF files and in JSON', () => {
    const crlf = placesOf('steps:\r\n  - command: |\r\n      make\r\n      echo "$1"\r\n');
    const json = placesOf('{"steps": [{"command": "make\\n\\"$1\\""}]}');

    expect([crlf, json]).to.deep.equal([['4:13 error syntax'], ['1:33 error syntax']]);
  });

  it('tell a text of an anchor once', () => {
    const places = placesOf('x: &x echo $?\nsteps:\n  - command: *x\n  - command: *x\n');

    expect(places).to.deep.equal(['1:12 error syntax']);
  });

  it('tell what an extra dollar sign breaks only once', () => {
    const findings = lintText('steps:\n  - command: make\n    image: app:$$BUILDKITE_COMMIT\n');

    expect(findings.map(({ rule }) => rule)).to.deep.equal(['interpolation/over-escaped']);
  });

  it('know that secrets of the step are not there at the upload', () => {
    const places = placesOf('steps:\n  - command: login $TOKEN $$TOKEN\n    secrets: { TOKEN: registry-token }\n');

    expect(places).to.deep.equal(['2:20 warning step-env-scope']);
  });
});
