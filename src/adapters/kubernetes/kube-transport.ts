import type { CallScope } from '../http/call-scope.js';
import type { BodySink, WireAnswer, WireRequest } from '../http/connection.js';
import { HttpPool, type TlsOptions } from '../http/http-pool.js';

/** `call` for single objects, `bulk` for lists and watches, so that neither waits for the other's connections. */
export type Pool = 'call' | 'bulk';

export interface TransportRequest extends WireRequest {
  readonly tls: TlsOptions;
  readonly pool: Pool;
}

/** Bytes to and from one server, with the certificates of the moment. Knows HTTP, not Kubernetes. */
export interface Transport {
  /** @throws as `HttpPool.send` */
  send(request: TransportRequest, scope: CallScope, sink?: BodySink): Promise<WireAnswer>;
  /** Ends every connection. */
  close(): void;
}

type Pools = Readonly<Record<Pool, HttpPool>>;

/**
 * A transport to `server` (http or https) with at most `maxConnections` connections in the `call` pool.
 * A request that met a kept connection just as the server closed it is sent again; Kubernetes names make that safe.
 */
export function createTransport(server: string, maxConnections: number): Transport {
  const base = new URL(server);
  const prefix = base.pathname.replace(/\/+$/, '');
  let pools: Pools | undefined;
  let poolsTls: TlsOptions | undefined;
  let retired: HttpPool[] = [];
  const poolFor = (tls: TlsOptions, pool: Pool): HttpPool => {
    if (pools === undefined || poolsTls !== tls) {
      // Certificates have changed: requests under way finish, their connections are not used again.
      retired = [...retired, ...Object.values(pools ?? {})].filter((old) => !old.retire());
      pools = {
        call: new HttpPool({ server: base, tls, maxConnections }),
        bulk: new HttpPool({ server: base, tls, maxConnections: Infinity }),
      };
      poolsTls = tls;
    }
    return pools[pool];
  };
  return {
    send: async ({ tls, pool, ...request }, scope, sink) =>
      poolFor(tls, pool).send({ ...request, path: prefix + request.path }, scope, { repeatable: true, sink }),
    close() {
      for (const each of [...retired, ...Object.values(pools ?? {})]) each.close();
    },
  };
}
