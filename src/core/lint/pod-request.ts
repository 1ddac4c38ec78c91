import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { parseQuantity } from '../quantity.js';

/** Amounts by resource, in units of 10⁻⁹ as quantities are. */
export type Amounts = ReadonlyMap<string, bigint>;

/** Reads written quantities; what is no quantity is left out, because another rule tells of it. */
export function amountsOf(written: Readonly<Record<string, string>> | undefined): Amounts {
  return new Map(
    Object.entries(written ?? {}).flatMap(([resource, text]): [string, bigint][] => {
      const quantity = parseQuantity(text);
      return quantity.ok ? [[resource, quantity.value.nanos]] : [];
    }),
  );
}

/**
 * What the scheduler sets aside for a pod: the containers and the sidecars (init containers that go on) together, or an init container with the
 * sidecars before it if that is more, plus the overhead of the runtime class. A limit without a request is a request.
 * Source: https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
 */
export function podRequest(pod: V1PodSpec): Amounts {
  const running = new Map<string, bigint>();
  const peak = new Map<string, bigint>();
  for (const container of pod.initContainers ?? []) {
    const own = containerRequest(container);
    if (container.restartPolicy === 'Always') add(running, own);
    else raise(peak, sum(running, own));
  }
  for (const container of pod.containers) add(running, containerRequest(container));
  raise(running, peak);
  for (const [resource, amount] of amountsOf({ ...pod.resources?.limits, ...pod.resources?.requests })) {
    running.set(resource, amount);
  }
  add(running, amountsOf(pod.overhead));
  return running;
}

/** What one container asks for. */
function containerRequest({ resources }: V1Container): Amounts {
  return amountsOf({ ...resources?.limits, ...resources?.requests });
}

/** The most one container may use, as far as it says: what a LimitRange compares. */
export function containerCeiling({ resources }: V1Container): Amounts {
  return amountsOf({ ...resources?.requests, ...resources?.limits });
}

function sum(a: Amounts, b: Amounts): Amounts {
  const total = new Map(a);
  add(total, b);
  return total;
}

function add(total: Map<string, bigint>, more: Amounts): void {
  for (const [resource, amount] of more) total.set(resource, (total.get(resource) ?? 0n) + amount);
}

function raise(total: Map<string, bigint>, atLeast: Amounts): void {
  for (const [resource, amount] of atLeast) {
    if (amount > (total.get(resource) ?? 0n)) total.set(resource, amount);
  }
}
