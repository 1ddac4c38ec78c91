import type { KubeHttp } from '../contract/kube-http.js';
import { pathsOf } from '../contract/kubernetes/target.js';
import { runStandInAgent } from './stand-in-agent.js';

/** Plays the kubelet of one namespace, and in each pod of the controller the agent. */
export interface StandInNode {
  /** Buildkite job ids, one for each pod whose agent got its job and finished it, in that order. */
  readonly finished: readonly string[];
  /** What went wrong, if anything did. */
  readonly troubles: readonly Error[];
  stop(): Promise<void>;
}

interface NodeOptions {
  readonly api: KubeHttp;
  readonly namespace: string;
  /** Base address of the embedded Buildkite, for pods that name none. */
  readonly buildkiteUrl: string;
}

/** Watches for pending pods and takes each through Running to Succeeded (or Failed), its agent's run in between. */
export function startStandInNode(options: NodeOptions): StandInNode {
  const node = new Node(options);
  const running = node.run();
  return {
    finished: node.finished,
    troubles: node.troubles,
    stop: async () => {
      node.stop();
      await running;
    },
  };
}

class Node {
  readonly finished: string[] = [];
  readonly troubles: Error[] = [];
  readonly #options: NodeOptions;
  readonly #pods: string;
  readonly #known = new Set<string>();
  readonly #underWay = new Set<Promise<void>>();
  #close: () => void = () => undefined;
  #stopped = false;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#pods = pathsOf(options.namespace).pods;
  }

  stop(): void {
    this.#stopped = true;
    this.#close();
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      // Without a resourceVersion a watch begins with all there is, so a new one after an end misses nothing.
      const watch = await this.#options.api.watch(this.#pods, { timeoutSeconds: 15 });
      this.#close = () => watch.close();
      for (let event = await watch.next(); event !== undefined; event = await watch.next()) {
        if (event.type === 'ADDED') this.#take(event.object);
      }
    }
    await Promise.all(this.#underWay);
  }

  #take(pod: any): void {
    if (pod.status.phase !== 'Pending' || this.#known.has(pod.metadata.uid)) return;
    this.#known.add(pod.metadata.uid);
    const life = this.#live(pod).catch((error: unknown) => {
      this.troubles.push(error instanceof Error ? error : new Error(String(error)));
    });
    this.#underWay.add(life);
    void life.then(() => this.#underWay.delete(life));
  }

  async #live(pod: any): Promise<void> {
    await this.#move(pod, 'Running');
    const agent = pod.spec.containers.find((each: any) => each.name === 'agent');
    const env = new Map<string, any>(agent.env.map((each: any) => [each.name, each]));
    const jobId = String(env.get('BUILDKITE_AGENT_ACQUIRE_JOB')?.value);
    const got = await runStandInAgent({
      endpoint: this.#endpoint(env.get('BUILDKITE_AGENT_ENDPOINT')?.value),
      token: await this.#secretValue(env.get('BUILDKITE_AGENT_TOKEN')),
      jobId,
    });
    if (got) this.finished.push(jobId);
    await this.#move(pod, got ? 'Succeeded' : 'Failed');
  }

  async #move(pod: any, phase: string): Promise<void> {
    const started = phase === 'Running' ? { startTime: new Date().toISOString().replace(/\.\d+/, '') } : {};
    await this.#options.api.expect(200, 'PATCH', `${this.#pods}/${pod.metadata.name}/status`, {
      body: { status: { phase, ...started } },
      contentType: 'application/strategic-merge-patch+json',
    });
  }

  #endpoint(fromPod: unknown): string {
    return typeof fromPod === 'string' ? fromPod.replace(/\/v3\/?$/, '') : this.#options.buildkiteUrl;
  }

  /** As the kubelet resolves it: a pod whose Secret is missing does not start. */
  async #secretValue(variable: any): Promise<string> {
    const { name, key } = variable.valueFrom.secretKeyRef;
    const { secrets } = pathsOf(this.#options.namespace);
    const { body } = await this.#options.api.expect(200, 'GET', `${secrets}/${name}`);
    return Buffer.from(String(body.data[key]), 'base64').toString('utf8');
  }
}
