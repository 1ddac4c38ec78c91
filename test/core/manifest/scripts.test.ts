import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkoutScript } from '../../../src/core/manifest/checkout-container.js';
import { copyAgentScript } from '../../../src/core/manifest/workspace.js';

const SHELLS = [['sh'], ['dash'], ['busybox', 'sh']].filter(
  ([program = '', ...flags]) => spawnSync(program, [...flags, '-c', 'exit 0']).status === 0,
);
/** Folders of the scripts that a test moves below its scratch root. */
const [BUSYBOX, DEBIAN] = ['BusyBox v1.37', 'adduser 3.1'];
const MOVED = /\/(?:workspace|usr\/local\/bin|usr\/bin\/tini|sbin\/tini|buildkite\/git)/g;

for (const [program = 'sh', ...flags] of SHELLS) {
  describe(`scripts of the containers, in ${[program, ...flags].join(' ')}`, () => {
    let root: string;

    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'scripts-'));
      for (const folder of ['workspace', 'usr/local/bin', 'usr/bin', 'sbin']) {
        mkdirSync(join(root, folder), { recursive: true });
      }
      writeProgram('usr/local/bin/buildkite-agent', 'echo agent');
    });
    afterEach(() => rmSync(root, { recursive: true, force: true }));

    function writeProgram(path: string, body: string): void {
      writeFileSync(join(root, path), `#!/bin/sh\n${body}\n`);
      chmodSync(join(root, path), 0o755);
    }

    /** Rights and users are not ours to change: functions, which even BusyBox takes before its own, say what they were asked. */
    function stubs(adduserHelp: string): string {
      const log = `>> ${root}/calls`;
      const names = ['chown', 'git', 'addgroup', 'groupadd', 'useradd'];
      return [
        ...names.map((name) => `${name}() { echo "${name} $*" ${log}; }`),
        `adduser() { if [ "$1" = --help ]; then echo "${adduserHelp}" >&2; else echo "adduser $*" ${log}; fi; }`,
        `entrypoint() { echo "entrypoint $*" ${log}; }`,
        `su() { echo "su $1 $2" ${log}; eval "$3"; }`,
        '',
      ].join('\n');
    }

    function run(
      options: string,
      script: string,
      adduserHelp = 'adduser 3.1',
    ): { status: number | null; calls: string[]; stderr: string } {
      const moved = script.replaceAll(MOVED, `${root}$&`).replaceAll('buildkite-agent-entrypoint', 'entrypoint');
      const { status, stderr } = spawnSync(program, [...flags, options, stubs(adduserHelp) + moved], {
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin' },
      });
      const calls = existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8') : '';
      return { status, stderr, calls: calls.replaceAll(root, '').split('\n').slice(0, -1) };
    }

    for (const place of ['sbin', 'usr/bin']) {
      it(`copy-agent fills the workspace, with tini-static from /${place}`, () => {
        writeProgram(`${place}/tini-static`, 'echo tini');

        const { status, calls } = run('-cefx', copyAgentScript({ uid: 0, gid: 0 }));

        expect(status).to.equal(0);
        expect(calls).to.deep.equal([]);
        for (const folder of ['build', 'plugins', 'sockets']) {
          expect(statSync(join(root, 'workspace', folder)).mode & 0o777).to.equal(0o777);
        }
        expect(readFileSync(join(root, 'workspace/tini-static'), 'utf8')).to.contain('echo tini');
        expect(statSync(join(root, 'workspace/buildkite-agent')).mode & 0o111).to.equal(0o111);
      });
    }

    it('copy-agent works again on the workspace of an earlier pod', () => {
      writeProgram('sbin/tini-static', 'echo tini');
      run('-cefx', copyAgentScript({ uid: 0, gid: 0 }));
      writeFileSync(join(root, 'workspace/buildkite.sock'), '');
      writeFileSync(join(root, 'workspace/build/kept'), '');
      writeFileSync(join(root, 'workspace/buildkite-agent'), 'old');

      const { status } = run('-cefx', copyAgentScript({ uid: 0, gid: 0 }));

      expect(status).to.equal(0);
      expect(existsSync(join(root, 'workspace/buildkite.sock'))).to.equal(false);
      expect(existsSync(join(root, 'workspace/build/kept'))).to.equal(true);
      expect(readFileSync(join(root, 'workspace/buildkite-agent'), 'utf8')).to.contain('echo agent');
    });

    it('copy-agent hands the workspace to user and group', () => {
      writeProgram('sbin/tini-static', 'echo tini');

      expect(run('-cefx', copyAgentScript({ uid: 1000, gid: 0 })).calls).to.deep.equal(['chown -R 1000 /workspace']);
      expect(run('-cefx', copyAgentScript({ uid: 1000, gid: 30 })).calls[1]).to.equal('chown -R 1000:30 /workspace');
    });

    it('copy-agent says what is missing without tini-static', () => {
      const { status, stderr } = run('-cefx', copyAgentScript({ uid: 0, gid: 0 }));

      expect(status).to.equal(1);
      expect(stderr).to.contain('the agent image has no tini-static');
    });

    it('checkout runs as root right away', () => {
      const { status, calls } = run('-c', checkoutScript({ uid: 0, gid: 50 }, { withCredentials: false }));

      expect({ status, calls }).to.deep.equal({
        status: 0,
        calls: ['entrypoint kubernetes-bootstrap'],
      });
    });

    for (const [where, help, gid, expected] of [
      ['BusyBox', BUSYBOX, 0, ['adduser -D -H -u 1000 -G root -h /workspace buildkite-agent']],
      [
        'BusyBox',
        BUSYBOX,
        3000,
        ['addgroup -g 3000 buildkite-agent', 'adduser -D -H -u 1000 -G buildkite-agent -h /workspace buildkite-agent'],
      ],
      ['shadow-utils', DEBIAN, 0, ['useradd -M -u 1000 -g root -d /workspace -s /bin/sh buildkite-agent']],
      [
        'shadow-utils',
        DEBIAN,
        3000,
        [
          'groupadd -g 3000 buildkite-agent',
          'useradd -M -u 1000 -g buildkite-agent -d /workspace -s /bin/sh buildkite-agent',
        ],
      ],
    ] as const) {
      it(`checkout goes on as the pod's user with group ${gid}, on ${where}`, () => {
        const { status, calls } = run('-c', checkoutScript({ uid: 1000, gid }, { withCredentials: false }), help);

        expect(status).to.equal(0);
        expect(calls).to.deep.equal([...expected, 'su buildkite-agent -c', 'entrypoint kubernetes-bootstrap']);
      });
    }

    for (const uid of [0, 1000]) {
      it(`checkout makes a copy of the credentials git's store, as user ${uid}`, () => {
        for (const folder of ['git-credentials-ro', 'git-credentials'])
          mkdirSync(join(root, 'buildkite', folder), { recursive: true });
        writeFileSync(join(root, 'buildkite/git-credentials-ro/.git-credentials'), 'https://me:pw@host');

        const { status, calls } = run('-c', checkoutScript({ uid, gid: 0 }, { withCredentials: true }), BUSYBOX);

        expect(status).to.equal(0);
        expect(readFileSync(join(root, 'buildkite/git-credentials/.git-credentials'), 'utf8')).to.contain('me:pw');
        expect(calls.slice(-2)).to.deep.equal([
          'git config --global credential.helper store --file /buildkite/git-credentials/.git-credentials',
          'entrypoint kubernetes-bootstrap',
        ]);
      });
    }

    it('checkout stops when the credentials cannot be read', () => {
      const { status, calls } = run('-c', checkoutScript({ uid: 0, gid: 0 }, { withCredentials: true }));

      expect(status).not.to.equal(0);
      expect(calls).to.deep.equal([]);
    });
  });
}
