/** The parts of an image reference as far as names go: registry and path, without tag and digest. */
export interface ImageName {
  /** Path without registry, e.g. `library/postgres` is `library/postgres`, `ghcr.io/a/b` is `a/b`. */
  readonly path: string;
  /** The path's last part, e.g. `postgres`. */
  readonly base: string;
  /** Registry and path, e.g. `ghcr.io/a/b`. */
  readonly repository: string;
  /** Undefined = none. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** Takes an image reference apart; does not judge it. */
export function splitImage(image: string): ImageName {
  const [named = '', digest] = image.split('@', 2);
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const repository = hasTag ? named.slice(0, colon) : named;
  const parts = repository.split('/');
  const isRegistry = parts.length > 1 && /[.:]|^localhost$/.test(parts[0] ?? '');
  return {
    path: parts.slice(isRegistry ? 1 : 0).join('/'),
    base: parts.at(-1) ?? '',
    repository,
    tag: hasTag ? named.slice(colon + 1) : undefined,
    digest,
  };
}

/** Images of servers that others connect to: nobody builds in them. */
const SERVICES =
  /^(?:postgres(?:ql|is)?|pgvector|timescaledb|mysql(?:-server)?|mariadb|redis(?:-stack(?:-server)?)?|valkey|keydb|dragonfly|mongo(?:db)?|elasticsearch|opensearch|rabbitmq|kafka|cp-kafka|redpanda|zookeeper|minio|localstack|memcached|cassandra|scylla|clickhouse(?:-server)?|dynamodb-local|standalone-(?:chrome|firefox|chromium)|selenium|etcd|nats|cockroach|neo4j|influxdb|couchdb|solr|vault|consul|registry|wiremock|mockserver|mailhog|mailpit|keycloak|azurite|fake-gcs-server|spanner-emulator|temporal|activemq|pulsar|envoy|nginx|httpd|haproxy|traefik|toxiproxy)$/;

/** Whether an image is that of a well-known server (a Docker daemon included). */
export function isServiceImage(image: string): boolean {
  const { base, tag = '' } = splitImage(image);
  return SERVICES.test(base) || (base === 'docker' && tag.includes('dind'));
}
