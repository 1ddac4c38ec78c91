import { createHash } from 'node:crypto';

/** Source of everything that is random at Buildkite: the same seed gives the same ids and tokens in the same order. */
export interface IdSource {
  uuid(): string;
  /** A secret with one of Buildkite's real prefixes: `bkct_`, `bkaa_`, `bkaj_`, `bkua_`, `bkjat_`. */
  token(prefix: string): string;
}

/** Makes a deterministic source of UUIDs (version 4 in shape) and tokens. */
export function createIdSource(seed: string): IdSource {
  let drawn = 0;
  const draw = (): string => {
    drawn += 1;
    return createHash('sha256').update(`${seed}:${drawn}`).digest('hex');
  };
  return {
    uuid: () => {
      const hex = draw();
      return [
        hex.slice(0, 8),
        hex.slice(8, 12),
        `4${hex.slice(13, 16)}`,
        `a${hex.slice(17, 20)}`,
        hex.slice(20, 32),
      ].join('-');
    },
    token: (prefix) => `${prefix}${draw().slice(0, 40)}`,
  };
}

/** The GraphQL id of an object: base64 of `Type---uuid`. */
export function nodeId(type: string, uuid: string): string {
  return Buffer.from(`${type}---${uuid}`).toString('base64');
}

/** Reads a GraphQL id of the given type; undefined when it is none. */
export function parseNodeId(type: string, id: string): string | undefined {
  const text = Buffer.from(id, 'base64').toString('utf8');
  return text.startsWith(`${type}---`) ? text.slice(type.length + 3) : undefined;
}

/** A job acquisition token: a JWT behind the prefix whose subject is the job; the signature is decoration. */
export function acquisitionToken(jobId: string, expiresAt: number, signature: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `bkjat_${part({ alg: 'none', typ: 'JWT' })}.${part({ sub: jobId, exp: Math.floor(expiresAt / 1000) })}.${signature}`;
}
