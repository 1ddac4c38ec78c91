import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { JobLog } from '../../../src/sandbox/kubelet/agent/job-log.js';
import { Redactor, secretsOf } from '../../../src/sandbox/kubelet/agent/redactor.js';
import { resolveContainerEnv } from '../../../src/sandbox/kubelet/container-env.js';
import { expandVariables } from '../../../src/sandbox/kubelet/expand.js';
import { createWorkspace } from '../../../src/sandbox/kubelet/workspace.js';

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace: 'ns',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '',
    labels: { 'a/b': 'label' },
  },
  spec: { serviceAccountName: 'robot', volumes: [{ name: 'workspace', emptyDir: {} }] },
};

describe('expansion of $(NAME)', () => {
  for (const [text, expected] of [
    ['$(A)', 'x'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$x'],
    ['a$b $B ${A}', 'a$b $B ${A}'],
    ['$(NONE)-$(A)', '$(NONE)-x'],
    ['$(A', '$(A'],
    ['$', '$'],
    ['$()', '$()'],
  ] as const) {
    it(`turns ${text} into ${expected}`, () => {
      expect(expandVariables(text, (name) => ({ A: 'x' })[name])).to.equal(expected);
    });
  }
});

describe('the environment of a container', () => {
  const sources = { pod: POD, nodeName: 'node', find: () => undefined };

  it('resolves fields of the pod', () => {
    const field = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    const env = [
      field('NAME', 'metadata.name'),
      field('NODE', 'spec.nodeName'),
      field('ACCOUNT', 'spec.serviceAccountName'),
      field('LABEL', "metadata.labels['a/b']"),
      field('NONE', 'spec.schedulerName'),
    ];

    expect(resolveContainerEnv({ env }, sources)).to.deep.equal({
      ok: true,
      value: { NAME: 'p', NODE: 'node', ACCOUNT: 'robot', LABEL: 'label', NONE: '' },
    });
  });

  it('goes without what is optional and names what is missing', () => {
    const reference = (optional: boolean): object => ({ configMapKeyRef: { name: 'm', key: 'k', optional } });

    expect(resolveContainerEnv({ env: [{ name: 'A', valueFrom: reference(true) }] }, sources)).to.deep.equal({
      ok: true,
      value: {},
    });
    expect(resolveContainerEnv({ env: [{ name: 'A', valueFrom: reference(false) }] }, sources)).to.deep.equal({
      ok: false,
      error: 'configmap "m" not found',
    });
  });
});

describe('paths of a pod on this machine', () => {
  const root = mkdtempSync(join(tmpdir(), 'workspace-test-'));
  const workspace = createWorkspace(root, { pod: POD, nodeName: 'node', find: () => undefined });
  const container = {
    workingDir: '/workspace/sub',
    volumeMounts: [
      { name: 'workspace', mountPath: '/workspace' },
      { name: 'cache', mountPath: '/workspace/cache', subPathExpr: '$(WHO)/x' },
    ],
  };
  const paths = workspace.pathsOf(container, { WHO: 'me' });
  after(() => {
    rmSync(root, { recursive: true });
  });

  for (const [text, expected] of [
    ['/workspace', `${root}/volumes/workspace`],
    ['ls /workspace/a:/workspace', `ls ${root}/volumes/workspace/a:${root}/volumes/workspace`],
    ['/workspace/cache/y', `${root}/volumes/cache/me/x/y`],
    ['/workspace2 /my/workspace a/workspace', '/workspace2 /my/workspace a/workspace'],
  ] as const) {
    it(`reads ${text}`, () => {
      expect(paths.localize(text)).to.equal(expected);
    });
  }

  it('never leaves the scratch directory by itself', () => {
    expect(paths.workingDir).to.equal(`${root}/volumes/workspace/sub`);
    expect(paths.directory('/root/.cache')).to.equal(`${root}/image/root/.cache`);
    expect(paths.directory('/workspace/../../../../../etc')).to.match(new RegExp(`^${root}/`));
  });
});

describe('redaction', () => {
  it('finds secrets however the output is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant('hunter2secret'), fc.string({ maxLength: 8 })), { maxLength: 8 }),
        fc.array(fc.nat(40), { maxLength: 8 }),
        (words, cuts) => {
          const text = words.join(' ');
          const redactor = new Redactor(['hunter2secret', 'secret']);
          let rest = text;
          let shown = '';
          for (const cut of cuts) {
            shown += redactor.push(rest.slice(0, cut));
            rest = rest.slice(cut);
          }
          shown += redactor.push(rest) + redactor.flush();

          expect(shown).to.equal(text.replaceAll('hunter2secret', '[REDACTED]').replaceAll('secret', '[REDACTED]'));
        },
      ),
    );
  });

  it('picks values by the names of their variables and leaves short ones alone', () => {
    const secrets = secretsOf({ DB_PASSWORD: 'longenough', NPM_TOKEN: 'abc', PATH: '/bin' }, '*_PASSWORD, *_TOKEN');

    expect(secrets).to.deep.equal(['longenough', 'abc']);
    expect(new Redactor(secrets).push('abc longenough!')).to.equal('abc [REDACTED]!');
  });
});

describe('the log of a job', () => {
  it('sends chunks in order, no larger than allowed, without losing a byte', async () => {
    const sent: { bytes: Buffer; sequence: number; offset: number }[] = [];
    const log = new JobLog({
      maxBytes: 10,
      intervalMs: 1,
      secrets: [],
      send: async (chunk) => {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, 5 - chunk.sequence)));
        sent.push(chunk);
        return chunk.sequence !== 2;
      },
    });
    log.write('häl');
    log.write(Buffer.from('lo\nworld'));
    log.writeLine('own line');

    const lost = await log.close();

    const whole = Buffer.concat(sent.map(({ bytes }) => bytes));
    const marks = /\u001b_bk;t=\d+\u0007/g;
    expect(whole.toString().replace(marks, '')).to.equal('hällo\nworld\nown line\n');
    expect(whole.toString().match(marks)).to.have.lengthOf(3);
    expect(sent.map(({ sequence }) => sequence)).to.deep.equal(sent.map((_, index) => index + 1));
    expect(sent.every(({ bytes, offset, sequence }) => bytes.length <= 10 && offset === (sequence - 1) * 10)).to.equal(
      true,
    );
    expect(lost).to.equal(1);
  });
});
