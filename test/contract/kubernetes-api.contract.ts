import { kubeHttp, type KubeHttp } from './kube-http.js';
import { describeAccess } from './kubernetes/access.js';
import { describeControllers } from './kubernetes/controllers.js';
import { describeReading } from './kubernetes/reading.js';
import type { Fixture, KubernetesTarget } from './kubernetes/target.js';
import { describeValidation } from './kubernetes/validation.js';
import { describeWatching } from './kubernetes/watching.js';
import { describeWriting } from './kubernetes/writing.js';

/**
 * What the controller relies on in a Kubernetes API, told over bare HTTP. The same suite runs against the embedded server
 * and against a real kube-apiserver with its job controller; where they differ, the real one is right.
 */
export function describeKubernetesApi(title: string, start: () => Promise<KubernetesTarget>): void {
  describe(title, () => {
    let target: KubernetesTarget | undefined;
    let api: KubeHttp | undefined;
    before(async () => {
      target = await start();
      api = kubeHttp({ url: target.url, ca: target.ca, token: target.adminToken });
    });
    after(async function () {
      const failed = this.test?.parent?.suites.some((suite) => hasFailure(suite)) ?? false;
      api?.close();
      await target?.stop({ keepFolder: failed });
    });
    const started = <T>(value: T | undefined): T => {
      if (value === undefined) throw new Error('the API under test has not been started');
      return value;
    };
    const fixture: Fixture = {
      target: () => started(target),
      api: () => started(api),
      namespace: () => started(target).createNamespace(),
    };
    describe('reading', () => describeReading(fixture));
    describe('watching', () => describeWatching(fixture));
    describe('writing', () => describeWriting(fixture));
    describe('validation', () => describeValidation(fixture));
    describe('access', () => describeAccess(fixture));
    describe('controllers', () => describeControllers(fixture));
  });
}

function hasFailure(suite: Mocha.Suite): boolean {
  return suite.tests.some((test) => test.state === 'failed') || suite.suites.some(hasFailure);
}
