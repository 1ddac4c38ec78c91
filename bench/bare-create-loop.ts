/**
 * The least a program can do to create Jobs: `node dist/bench/bare-create-loop.js FILE`, where the file holds a `BareLoop` as JSON.
 * A process of its own, because the controller is one too: both begin cold. Prints the milliseconds from the first request
 * to the last answer.
 */
import { readFileSync } from 'node:fs';
import { kubeHttp, type KubeTarget } from '../test/contract/kube-http.js';

export interface BareLoop {
  readonly target: KubeTarget;
  /** Path of the collection. */
  readonly path: string;
  readonly connections: number;
  readonly manifests: readonly unknown[];
}

const { target, path, connections, manifests } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as BareLoop;
const api = kubeHttp(target, connections);
const waiting = [...manifests];
const started = performance.now();
await Promise.all(
  Array.from({ length: connections }, async () => {
    for (let body = waiting.pop(); body !== undefined; body = waiting.pop()) {
      await api.expect(201, 'POST', path, { body, query: { fieldValidation: 'Strict' } });
    }
  }),
);
console.log(performance.now() - started);
api.close();
