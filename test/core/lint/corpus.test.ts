import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../../src/core/lint/finding.js';
import { lintText } from '../../support/lint.js';

const FOLDER = '../shared/corpus';

interface Known {
  readonly files: RegExp;
  /** Rules that must speak, at whatever severity. */
  readonly rules: readonly string[];
}

/** Mistakes that are known to be in the files. */
const MUST_REPORT: readonly Known[] = [
  { files: /pipeline_kube@(?!bc666fc6)/, rules: ['kubernetes/unknown-key', 'pod/metadata-in-podspec'] },
  { files: /pipeline_kube@(?:35fdb124|595a9739|88c339b3)/, rules: ['scheduling/selector-matches-nothing'] },
  { files: /README__snippet17\.yml$/, rules: ['kubernetes/podspecpatch-type'] },
  { files: /helloworld@8a7b598a/, rules: ['kubernetes/pod-key-outside-podspec'] },
  { files: /chown@ee684d18|secretref@293ff82f/, rules: ['kubernetes/unknown-key'] },
  { files: /extra-volumes@d58f2e89/, rules: ['pod/unknown-key'] },
  { files: /kaniko_container_builds__snippet2/, rules: ['pod/unknown-key', 'interpolation/step-env-scope'] },
  { files: /fixtures__invalid(?:@.*)?\.yml$/, rules: ['volume/mount-without-volume'] },
  { files: /fixtures__invalid2(?:@.*)?\.yml$/, rules: ['pod/env-string'] },
  { files: /\.buildkite__pipeline@2d32f8b9/, rules: ['interpolation/regex-dollar'] },
  { files: /podspecpatch-agent\.yml$/, rules: ['patch/protected-command'] },
  { files: /(?:^|_)invalid-image-name\.yml$|image-invalid-name-failed/, rules: ['image/reference'] },
  { files: /volume_mounts__snippet1/, rules: ['command/bashism'] },
  { files: /features__kube__LoRA_Torch/, rules: ['time/deadlines-disagree'] },
];

/** True errors that stand in files nobody listed: a program name with blanks, a command that waits at a prompt, a "$|" at upload. */
const ALSO_WRONG: readonly Known[] = [
  {
    files: /broken-init-container|cancel-checker@4a41f294|extra-volume-mounts-sidecar@05e76234/,
    rules: ['sidecar/shell-line'],
  },
  {
    files: /README__snippet5\.yml$|artifact-upload-failed-job@dc180a79|chown@(?:6eee8caf|ee684d18)/,
    rules: ['command/shell-vector'],
  },
  {
    files: /extra-volumes@d58f2e89/,
    rules: ['container/image-missing', 'command/none', 'volume/mount-without-volume'],
  },
  { files: /secretref@f8470e05/, rules: ['interpolation/syntax'] },
  { files: /JuliaCI.*build_request__launch\.yml$/, rules: ['interpolation/syntax'] },
];

describe('the corpus of real pipelines', () => {
  if (!existsSync(FOLDER)) {
    it(`is skipped: ${FOLDER} is not here`);
    return;
  }
  const findings = new Map<string, readonly Finding[]>();

  before(function () {
    this.timeout(60_000);
    for (const file of readdirSync(FOLDER).filter((name) => /\.(?:ya?ml|json)$/.test(name))) {
      // The integration fixtures of the Go controller are Go templates, which its test harness fills in.
      const text = readFileSync(join(FOLDER, file), 'utf8').replace(/\{\{\s*\.\w+\s*\}\}/g, 'filled-in');
      findings.set(file, lintText(text));
    }
  });

  for (const { files, rules } of [...MUST_REPORT, ...ALSO_WRONG]) {
    it(`has ${rules.join(' and ')} in ${files.source}`, () => {
      const named = [...findings].filter(([file]) => files.test(file));

      expect(named).to.not.deep.equal([]);
      for (const [file, found] of named) {
        expect(
          found.map(({ rule }) => rule),
          file,
        ).to.include.members([...rules]);
      }
    });
  }

  it('has no other error, but for files that are not YAML', () => {
    const known = [...MUST_REPORT, ...ALSO_WRONG];
    const errors = [...findings].flatMap(([file, found]) =>
      found
        .filter(({ severity, rule }) => severity === 'error' && rule !== 'pipeline/shape')
        .filter(({ rule }) => !known.some(({ files, rules }) => files.test(file) && rules.includes(rule)))
        .map(({ rule, line, message }) => `${file}:${line} ${rule} ${message}`),
    );
    const files = [...findings.values()];
    const broken = files.filter((found) => found.some(({ rule }) => rule === 'pipeline/shape'));
    console.log(
      `        ${files.length} real files, ${broken.length} of them no YAML, 0 false errors wanted, ${errors.length} found`,
    );

    expect(errors).to.deep.equal([]);
  });
});
