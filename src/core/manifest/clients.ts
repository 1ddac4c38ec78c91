import type { V1Container } from '@kubernetes/client-node';
import { CONTAINERS } from '../job/identity.js';
import { envVar, overlayEnv } from './container-env.js';

const CONTAINER_ID = 'BUILDKITE_CONTAINER_ID';

/**
 * The agent waits for as many clients as it is told of, with ids from 0 without gaps. When a patch has deleted some of the
 * containers that are clients, the rest is numbered anew; otherwise nothing changes.
 */
export function renumberClients(generated: readonly V1Container[], final: readonly V1Container[]): V1Container[] {
  const names = new Set(final.map(({ name }) => name));
  const clients = generated.filter((container) => clientId(container) !== undefined);
  const alive = clients.filter(({ name }) => names.has(name));
  if (alive.length === clients.length) return [...final];
  const order = alive.toSorted((left, right) => (clientId(left) ?? 0) - (clientId(right) ?? 0)).map(({ name }) => name);
  return final.map((container) => {
    const env = container.env ?? [];
    if (container.name === CONTAINERS.agent) {
      return { ...container, env: overlayEnv(env, [envVar('BUILDKITE_CONTAINER_COUNT', String(order.length))]) };
    }
    const id = order.indexOf(container.name);
    return id === -1 ? container : { ...container, env: overlayEnv(env, [envVar(CONTAINER_ID, String(id))]) };
  });
}

function clientId(container: V1Container): number | undefined {
  // The builder's own entry is the last one; the user may have set the same name before it.
  const value = container.env?.findLast(({ name }) => name === CONTAINER_ID)?.value;
  return value === undefined ? undefined : Number(value);
}
