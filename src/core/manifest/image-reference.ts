import { fail, ok, type Result } from '../result.js';

export interface ImageReference {
  /** Pinned by content: the tag no longer matters and a pulled image never goes stale. */
  readonly digest: string | undefined;
}

// The grammar of github.com/distribution/reference, which container runtimes use.
const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const PATH = `${PATH_COMPONENT}(?:/${PATH_COMPONENT})*`;
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const REFERENCE = new RegExp(`^(?:(${DOMAIN})/)?(${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`);

const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Parses an image reference; the error is the wording users know from container runtimes. */
export function parseImageReference(text: string): Result<ImageReference, string> {
  const match = REFERENCE.exec(text);
  if (match === null) return fail(whyInvalid(text));
  const [, , path = '', , digest] = match;
  if (path.length > 255) return fail('repository name must not be more than 255 characters');
  if (digest === undefined) return ok({ digest });
  const problem = digestProblem(digest);
  return problem === undefined ? ok({ digest }) : fail(problem);
}

function whyInvalid(text: string): string {
  if (text === '') return 'repository name must have at least one component';
  if (REFERENCE.test(text.toLowerCase())) return 'repository name must be lowercase';
  return 'invalid reference format';
}

function digestProblem(digest: string): string | undefined {
  const [algorithm = '', hex = ''] = digest.split(':');
  const length = DIGEST_LENGTHS[algorithm];
  if (length === undefined) return 'unsupported digest algorithm';
  if (hex.length !== length) return 'invalid checksum digest length';
  return /^[0-9a-f]+$/.test(hex) ? undefined : 'invalid checksum digest format';
}
