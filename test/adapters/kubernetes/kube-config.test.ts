import { chmodSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect } from 'chai';
import { createKubeClient } from '../../../src/adapters/kubernetes/kube-client.js';
import { loadKubeConnection } from '../../../src/adapters/kubernetes/kube-config.js';
import { UsageError } from '../../../src/core/errors.js';
import { sendJson } from '../../../src/sandbox/http.js';
import { failureOf, never, startServer } from './helpers.js';
import { TEST_CERTIFICATE } from './test-certificate.js';

interface Parts {
  readonly name?: string;
  readonly server?: string;
  readonly cluster?: object;
  readonly user?: object;
  readonly namespace?: string;
  readonly current?: string | undefined;
}

/** A kubeconfig; JSON is YAML. */
function kubeconfig({
  name = 'main',
  server = 'https://10.0.0.1:6443',
  cluster,
  user = {},
  namespace,
  ...rest
}: Parts) {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    'current-context': 'current' in rest ? rest.current : name,
  });
}

describe('loadKubeConnection', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kube-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(path: string, text: string): string {
    const file = join(folder, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  function serviceAccount(token = 'pod-token\n'): {
    inClusterRoot: string;
    env: Record<string, string>;
    token: string;
  } {
    const path = 'root/var/run/secrets/kubernetes.io/serviceaccount';
    write(`${path}/ca.crt`, TEST_CERTIFICATE);
    write(`${path}/namespace`, 'build-jobs\n');
    const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443', HOME: folder };
    return { inClusterRoot: join(folder, 'root'), env, token: write(`${path}/token`, token) };
  }

  describe('where it looks', () => {
    it('prefers an explicit path to everything else', () => {
      const path = write('explicit', kubeconfig({ server: 'https://explicit:1/' }));
      const other = write('other', kubeconfig({ server: 'https://other:1' }));

      const connection = loadKubeConnection({ ...serviceAccount(), path, env: { KUBECONFIG: other } });

      expect(connection.server).to.equal('https://explicit:1');
      expect(connection.source).to.contain(path);
    });

    it('prefers KUBECONFIG to the service account', () => {
      const sa = serviceAccount();
      const file = write('config', kubeconfig({ server: 'http://127.0.0.1:8001', namespace: 'ci' }));

      const connection = loadKubeConnection({ ...sa, env: { ...sa.env, KUBECONFIG: file } });

      expect(connection).to.include({ server: 'http://127.0.0.1:8001', namespace: 'ci' });
    });

    it('prefers the service account to the home folder', () => {
      write('.kube/config', kubeconfig({}));

      const connection = loadKubeConnection(serviceAccount());

      expect(connection).to.include({ server: 'https://10.96.0.1:6443', namespace: 'build-jobs' });
    });

    it('puts an IPv6 address of the service into brackets', () => {
      const sa = serviceAccount();

      const connection = loadKubeConnection({ ...sa, env: { ...sa.env, KUBERNETES_SERVICE_HOST: 'fd00::1' } });

      expect(connection.server).to.equal('https://[fd00::1]:6443');
    });

    it('falls back to the home folder', () => {
      write('.kube/config', kubeconfig({ server: 'https://home:6443' }));

      const connection = loadKubeConnection({ inClusterRoot: folder, env: { HOME: folder } });

      expect(connection).to.include({ server: 'https://home:6443', namespace: undefined });
    });

    it('merges the files of KUBECONFIG, the first mention winning and missing files passed over', async () => {
      const first = write('first', kubeconfig({ name: 'a', server: 'https://a:1', current: 'b' }));
      const second = write('second', kubeconfig({ name: 'b', server: 'https://b:1', user: { token: 'right' } }));
      const wrong = { tokenFile: write('token', 'wrong') };
      const third = write('third', kubeconfig({ name: 'b', server: 'https://wrong:1', user: wrong, current: 'a' }));

      const env = { KUBECONFIG: [first, join(folder, 'missing'), second, third].join(delimiter) };
      const connection = loadKubeConnection({ env });

      expect(connection.server).to.equal('https://b:1');
      expect((await connection.credentials()).headers).to.deep.equal({ authorization: 'Bearer right' });
    });
  });

  describe('what it refuses', () => {
    const table: readonly (readonly [string, () => Parameters<typeof loadKubeConnection>[0], RegExp])[] = [
      [
        'nothing at all',
        () => ({ inClusterRoot: folder, env: { HOME: folder } }),
        /KUBECONFIG is not set.*serviceaccount.*\.kube\/config.*set KUBECONFIG/,
      ],
      ['a missing path', () => ({ path: join(folder, 'nowhere') }), /cannot read the given kubeconfig.*nowhere/],
      [
        'a missing KUBECONFIG',
        () => ({ env: { KUBECONFIG: join(folder, 'nowhere') } }),
        /cannot read KUBECONFIG.*nowhere/,
      ],
      [
        'no current context',
        () => ({ path: write('c', kubeconfig({ current: undefined })) }),
        /no cluster in.*use-context/,
      ],
      ['a context that is not there', () => ({ path: write('c', kubeconfig({ current: 'gone' })) }), /context "gone"/],
      ['an empty file', () => ({ path: write('c', '') }), /not usable|no cluster/],
      [
        'a server that is no URL',
        () => ({ path: write('c', kubeconfig({ server: '10.0.0.1' })) }),
        /is not a URL|not usable/,
      ],
      [
        'a proxy',
        () => ({ path: write('c', kubeconfig({ cluster: { 'proxy-url': 'http://proxy' } })) }),
        /proxy-url, which is not supported/,
      ],
    ];
    for (const [name, options, message] of table) {
      it(name, () => {
        expect(() => loadKubeConnection(options())).to.throw(UsageError, message);
      });
    }

    it('does not quote a broken file, which may hold secrets', () => {
      const path = write('config', 'users:\n- name: a\n  user: {token: hunter2\n- [');

      expect(() => loadKubeConnection({ path }))
        .to.throw(UsageError, /not usable/)
        .with.property('message')
        .that.does.not.contain('hunter2');
    });
  });

  describe('credentials', () => {
    const users: readonly (readonly [string, object, Record<string, string>])[] = [
      ['a token', { token: 'abc' }, { authorization: 'Bearer abc' }],
      ['a name and password', { username: 'u', password: 'p' }, { authorization: 'Basic dTpw' }],
      [
        'somebody to act for',
        { token: 'abc', as: 'system:serviceaccount:ci:x' },
        { authorization: 'Bearer abc', 'impersonate-user': 'system:serviceaccount:ci:x' },
      ],
      ['nobody', {}, {}],
    ];
    for (const [name, user, headers] of users) {
      it(`come from ${name}`, async () => {
        const path = write('config', kubeconfig({ user }));

        expect((await loadKubeConnection({ path }).credentials()).headers).to.deep.equal(headers);
      });
    }

    it('come from the URL of the server when there is nothing else, and are not shown with it', async () => {
      const server = 'http://us%40er:pass@127.0.0.1:8001';
      const connection = loadKubeConnection({ path: write('config', kubeconfig({ server })) });
      const other = loadKubeConnection({ path: write('other', kubeconfig({ server, user: { token: 'abc' } })) });

      expect(connection.server).to.equal('http://127.0.0.1:8001');
      expect((await connection.credentials()).headers).to.deep.equal({ authorization: `Basic ${btoa('us@er:pass')}` });
      expect((await other.credentials()).headers).to.deep.equal({ authorization: 'Bearer abc' });
    });

    it('come from a token file beside the kubeconfig, trimmed, before a token', async () => {
      write('nested/token', ' from-file \n');
      const path = write('nested/config', kubeconfig({ user: { tokenFile: 'token', token: 'inline' } }));

      const { headers } = await loadKubeConnection({ path }).credentials();

      expect(headers).to.deep.equal({ authorization: 'Bearer from-file' });
    });

    it('come from an exec plugin', async () => {
      const answer = {
        kind: 'ExecCredential',
        status: { token: 'from-plugin', expirationTimestamp: '2099-01-01T00:00:00Z' },
      };
      const plugin = write(
        'plugin.sh',
        `#!/bin/sh\necho "$EXTRA" >> "${folder}/calls"\necho '${JSON.stringify(answer)}'\n`,
      );
      chmodSync(plugin, 0o755);
      const exec = {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: plugin,
        env: [{ name: 'EXTRA', value: 'x' }],
      };
      const path = write('config', kubeconfig({ user: { exec } }));

      const { headers } = await loadKubeConnection({ path }).credentials();

      expect(headers).to.deep.equal({ authorization: 'Bearer from-plugin' });
    });

    it('hold the TLS settings of the cluster', async () => {
      const ca = write('ca.crt', TEST_CERTIFICATE);
      const path = write(
        'config',
        kubeconfig({
          cluster: { 'certificate-authority': ca, 'tls-server-name': 'api', 'insecure-skip-tls-verify': true },
        }),
      );

      const { tls } = await loadKubeConnection({ path }).credentials();

      expect(tls).to.deep.include({ servername: 'api', rejectUnauthorized: false });
      expect(String(tls.ca)).to.equal(TEST_CERTIFICATE);
    });

    it('of a pod are its token, trimmed, and the CA of the cluster', async () => {
      const { headers, tls } = await loadKubeConnection(serviceAccount()).credentials();

      expect(headers).to.deep.equal({ authorization: 'Bearer pod-token' });
      expect(String(tls.ca)).to.equal(TEST_CERTIFICATE);
      expect(tls).not.to.have.property('rejectUnauthorized');
    });

    it('are read again after a minute, not before', async () => {
      const sa = serviceAccount('first');
      let now = 0;
      const connection = loadKubeConnection({ ...sa, clock: { now: () => now } });
      const token = async () => (await connection.credentials()).headers['authorization'];
      await connection.credentials();
      writeFileSync(sa.token, 'second');

      now = 59_999;
      expect(await token()).to.equal('Bearer first');
      now = 60_000;

      expect(await token()).to.equal('Bearer second');
    });

    it('are read again at once when the server refused them, once for all calls it refused', async () => {
      const sa = serviceAccount('first');
      const connection = loadKubeConnection({ ...sa, clock: { now: () => 0 } });
      const used = await connection.credentials();
      writeFileSync(sa.token, 'second');

      connection.invalidate(used);
      const fresh = await connection.credentials();
      connection.invalidate(used);

      expect(fresh.headers).to.deep.equal({ authorization: 'Bearer second' });
      expect(await connection.credentials()).to.equal(fresh);
    });

    it('keep their TLS settings as the same object, so that connections are kept', async () => {
      let now = 0;
      const connection = loadKubeConnection({ ...serviceAccount(), clock: { now: () => now } });

      const before = await connection.credentials();
      now = 120_000;
      const after = await connection.credentials();

      expect(after).not.to.equal(before);
      expect(after.tls).to.equal(before.tls);
    });

    it('stay as they were while the token file is away, and follow it when it is back', async () => {
      const sa = serviceAccount('first');
      let now = 0;
      const connection = loadKubeConnection({ ...sa, clock: { now: () => now } });
      await connection.credentials();
      unlinkSync(sa.token);

      now = 60_000;
      const meanwhile = await connection.credentials();
      writeFileSync(sa.token, 'second');
      now = 65_000;

      expect(meanwhile.headers).to.deep.equal({ authorization: 'Bearer first' });
      expect((await connection.credentials()).headers).to.deep.equal({ authorization: 'Bearer second' });
    });

    it('carry a client through a rotation that the server enforces', async () => {
      let accepted = 'first';
      const server = await startServer((request, response) =>
        request.headers.authorization === `Bearer ${accepted}`
          ? sendJson(response, 200, { token: accepted })
          : sendJson(response, 401, { kind: 'Status', code: 401, reason: 'Unauthorized', message: 'Unauthorized' }),
      );
      const tokenFile = write('token', 'first');
      const path = write('config', kubeconfig({ server: server.url, user: { tokenFile } }));
      const client = createKubeClient({ connection: loadKubeConnection({ path }), version: '0', maxConnections: 1 });
      const ask = async () => (await client.request({ method: 'GET', path: '/' }, never)).body;

      try {
        expect(await ask()).to.deep.equal({ token: 'first' });
        accepted = 'second';
        writeFileSync(tokenFile, 'second\n');
        expect(await ask()).to.deep.equal({ token: 'second' });
        accepted = 'third';

        expect(await failureOf(ask())).to.include({ status: 401, retryable: false });
      } finally {
        client.close();
        await server.close();
      }
    });
  });
});
