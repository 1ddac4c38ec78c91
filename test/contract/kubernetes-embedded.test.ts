import { startJobController } from '../../src/sandbox/kubernetes/job-controller.js';
import { startKubernetesServer } from '../../src/sandbox/kubernetes/kubernetes-server.js';
import { describeKubernetesApi } from './kubernetes-api.contract.js';
import type { KubernetesTarget } from './kubernetes/target.js';

async function startEmbedded(): Promise<KubernetesTarget> {
  const server = await startKubernetesServer();
  const jobController = startJobController(server.store);
  let serial = 0;
  return {
    url: server.url,
    adminToken: server.adminToken,
    createNamespace: () => {
      const name = `test-${(serial += 1)}`;
      server.store.create('namespaces', { metadata: { name } });
      return Promise.resolve(name);
    },
    restrictedToken: (namespace, rules) => {
      const account = {
        name: `system:serviceaccount:${namespace}:restricted`,
        rules: rules.map((rule) => ({ ...rule, namespaces: [namespace] })),
      };
      return Promise.resolve(server.addToken(account));
    },
    forgetHistory: () => {
      server.compact();
      return Promise.resolve();
    },
    stop: () => {
      jobController.close();
      return server.close();
    },
  };
}

describeKubernetesApi('the embedded Kubernetes API', startEmbedded);
