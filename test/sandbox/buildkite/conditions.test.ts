import { expect } from 'chai';
import { branchAllowed, evaluateCondition } from '../../../src/sandbox/buildkite/conditions.js';
import { artifactMatcher } from '../../../src/sandbox/buildkite/artifacts-api.js';

const FACTS = {
  variables: {
    'build.branch': 'main',
    'build.message': 'fix: the "x"',
    'build.tag': null,
    'build.pull_request.draft': false,
    'build.number': 7,
  },
  env: { TIER: 'gold' },
};

describe('step conditions', () => {
  const table: readonly [string, boolean][] = [
    ['build.branch == "main"', true],
    ["build.branch != 'main'", false],
    ['build.message =~ /^FIX:/i', true],
    ['build.message !~ /fix/', false],
    ['build.tag == null', true],
    ['build.tag =~ /^v/', false],
    ['build.number == 7', true],
    ['build.env("TIER") == "gold" && !(build.branch == "dev")', true],
    ['build.env("NONE") == null', true],
    ['build.branch == "a" || build.branch == "b" || build.branch == "main"', true],
    ['build.branch == "main" && build.branch == "a" || build.number == 7', true],
    ['["main", "dev"] includes build.branch', true],
    ['build.pull_request.draft', false],
    ['!build.pull_request.draft // a remark', true],
    ['build.message == "fix: the \\"x\\""', true],
  ];
  for (const [source, expected] of table) {
    it(`reads ${source}`, () => {
      expect(evaluateCondition(source, FACTS)).to.eql({ ok: true, value: expected });
    });
  }

  for (const source of [
    'build.creator.name == "x"',
    'build.branch ==',
    '(true',
    'true true',
    'build.branch =~ "x"',
    '@',
  ]) {
    it(`does not guess at ${source}`, () => {
      expect(evaluateCondition(source, FACTS).ok).to.equal(false);
    });
  }
});

describe('branch filters', () => {
  const table: readonly [readonly string[], string, boolean][] = [
    [[], 'any', true],
    [['main'], 'main', true],
    [['main'], 'main2', false],
    [['release/*', 'main'], 'release/1.2', true],
    [['!dev'], 'main', true],
    [['!dev*'], 'dev-1', false],
    [['*', '!main'], 'main', false],
  ];
  for (const [patterns, branch, expected] of table) {
    it(`${patterns.join(' ')} ${expected ? 'lets' : 'does not let'} ${branch} pass`, () => {
      expect(branchAllowed(patterns, branch)).to.equal(expected);
    });
  }
});

describe('artifact queries', () => {
  const table: readonly [string, string, boolean][] = [
    ['*', 'a.txt', true],
    ['*', 'dir/a.txt', true],
    ['*.zip', 'out/make/app.zip', true],
    ['app.zip', 'out/app.zip', false],
    ['dist/*', 'dist/js/script.js', true],
    ['dist/**/*', 'dist/js/script.js', true],
    ['dist/**/*', 'dist/index.html', false],
    ['out/{a,b}.txt', 'out/b.txt', false],
    ['out/{a,b}.txt', 'out/{a,b}.txt', true],
    ['a.txt;b.txt', 'b.txt', false],
    ['a.txt', 'aXtxt', false],
    ['', 'anything', true],
  ];
  for (const [query, path, expected] of table) {
    it(`"${query}" ${expected ? 'finds' : 'does not find'} ${path}`, () => {
      expect(artifactMatcher(query)(path)).to.equal(expected);
    });
  }
});
