import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { problemsOf } from './resolve.js';

const GOLDENS = join('..', 'shared', 'goldens');

/** What a problem must name so that it is about the same culprit as the reference's error. */
const CULPRITS: Readonly<Record<string, readonly string[]>> = {
  'agent-config-008-additional-hooks-incomplete': [
    'agent-config.additional-hooks[0].path',
    'agent-config.additional-hooks[1].volume',
    'agent-config.additional-hooks[2].volume.name',
    'agent-config.additional-hooks[3].path',
    'agent-config.additional-hooks[3].volume',
  ],
  'agent-config-015-unknown-key': ['experiments'],
  'config-patch-015-uppercase-image': ['Registry.example.com/App:1'],
  'config-yaml-001-unknown-key': ['max-inflight'],
  'config-yaml-002-unknown-nested-key': ['emptyDirs'],
  'config-yaml-008-number-in-env-of-patch': ['pod-spec-patch.containers[0].env[0].value'],
  'config-yaml-011-validation-ranges': ['pagination-page-size', 'max-in-flight', 'log-level'],
  'images-009-check-limit-invalid': ['image-check-container-memory-limit', 'lots'],
  'interposer-012-unknown-in-config': ['interposer', 'exec'],
  'job-settings-001-prefix-empty': ['job-prefix'],
  'job-settings-005-ttl-unparsable': ['job-ttl'],
  'job-settings-008-deadline-config-zero': ['job-active-deadline-seconds'],
  'metadata-007-boolean-as-label-in-config': ['default-metadata.labels.ci'],
  'patch-command-001-config-command-refused': ['pod-spec-patch.containers[0].command'],
  'resource-class-007-default-unknown': ['default-resource-class-name', 'tiny'],
  'resource-class-008-default-without-classes': ['default-resource-class-name', 'tiny'],
};

/** Refused by the reference, accepted by us: see defects.tsv of the goldens and docs/differences.md. */
const ACCEPTED = new Set([
  'config-patch-011-directive-is-unknown-field',
  'legacy-keys-001-org',
  'legacy-keys-002-buildkite-token',
]);

describe('configurations of the reference cases', () => {
  if (!existsSync(GOLDENS)) {
    it(`skipped: ${GOLDENS} is not there`);
    return;
  }
  const cases = readdirSync(GOLDENS).filter((name) => existsSync(join(GOLDENS, name, 'config.yaml')));

  for (const name of cases) {
    const problems = (): readonly string[] =>
      problemsOf({ yaml: readFileSync(join(GOLDENS, name, 'config.yaml'), 'utf8') });

    if (!existsSync(join(GOLDENS, name, 'expected-config-error.txt')) || ACCEPTED.has(name)) {
      it(`${name}: resolves`, () => {
        expect(problems()).to.deep.equal([]);
      });
      continue;
    }
    it(`${name}: is refused for the same reason`, () => {
      const text = problems();

      expect(CULPRITS[name], 'no culprit is known').to.not.be.undefined;
      for (const culprit of CULPRITS[name] ?? []) expect(text.join('\n')).to.include(culprit);
    });
  }
});
