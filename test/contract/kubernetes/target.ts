import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeAnswer, KubeHttp } from '../kube-http.js';

/** A rule of an RBAC Role. */
export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** A Kubernetes API that the contract suite can run against. */
export interface KubernetesTarget {
  readonly url: string;
  /** PEM of the certificate authority, when the API speaks TLS. */
  readonly ca?: string | undefined;
  readonly adminToken: string;
  /** A namespace of its own for a test: exists, is empty, and pods can be created in it. */
  createNamespace(): Promise<string>;
  /** The token of somebody who may do in the namespace what the rules say, and nothing else. */
  restrictedToken(namespace: string, rules: readonly RoleRule[]): Promise<string>;
  /** Forgets all but the present state, so that older resource versions and continue tokens of events are too old. */
  forgetHistory(): Promise<void>;
  /** @param options.keepFolder leaves logs for a look, where there are any. */
  stop(options?: { readonly keepFolder?: boolean }): Promise<void>;
}

/** What a part of the suite works with; the functions are valid inside tests only. */
export interface Fixture {
  readonly target: () => KubernetesTarget;
  /** The API as seen by the administrator. */
  readonly api: () => KubeHttp;
  readonly namespace: () => Promise<string>;
}

/** Paths of one namespace. */
export function pathsOf(namespace: string) {
  const core = `/api/v1/namespaces/${namespace}`;
  return {
    configMaps: `${core}/configmaps`,
    secrets: `${core}/secrets`,
    pods: `${core}/pods`,
    events: `${core}/events`,
    podTemplates: `${core}/podtemplates`,
    jobs: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    leases: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
  };
}

/** The smallest Job that Kubernetes accepts; `spec` and `podSpec` are laid over it. */
export function jobManifest(
  name: string,
  changes: { readonly metadata?: object; readonly spec?: object; readonly podSpec?: object } = {},
): any {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, ...changes.metadata },
    spec: {
      template: {
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }], ...changes.podSpec },
      },
      ...changes.spec,
    },
  };
}

/** A ConfigMap: the cheapest object there is. */
export function configMap(name: string, labels: Readonly<Record<string, string>> = {}, data: object = {}): any {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data };
}

/** A pod that no job owns. */
export function podManifest(name: string, changes: { readonly metadata?: object; readonly spec?: object } = {}): any {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...changes.metadata },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }], ...changes.spec },
  };
}

/** The names of a list's items, as listed. */
export function namesOf(answer: KubeAnswer): string[] {
  return answer.body.items.map((item: any) => item.metadata.name);
}

/** Asks again until the answer satisfies; the error shows the last one. */
export async function eventually(
  ask: () => Promise<KubeAnswer>,
  satisfies: (answer: KubeAnswer) => boolean,
): Promise<KubeAnswer> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (satisfies(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`not within 20 s; last answer: ${JSON.stringify(answer.body)}`);
    await sleep(25);
  }
}
