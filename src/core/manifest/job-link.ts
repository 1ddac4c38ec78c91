const CONTROL_CHARACTER = /[\x00-\x1f\x7f]/;
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const PARTS = /^([a-z][a-z0-9+.-]*:)?(\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/is;
/** What may stand in a path as it is; if anything else does, the whole path is escaped anew. */
const PLAIN_PATH = /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@/[\]]|%[0-9A-Fa-f]{2})*$/;

/**
 * The build's page with the job as fragment, as Go's `net/url` writes it, so that the annotation stays the same to the byte;
 * undefined when the build URL is no URL. An empty one gives the fragment alone.
 */
export function jobLink(buildUrl: string, jobId: string): string | undefined {
  const { scheme, authority, path, query, fragment } = splitUrl(buildUrl);
  const startsWithColon = scheme === '' && /^[^/]*:/.test(path);
  const isBroken = [authority, path, fragment].some((part) => BROKEN_ESCAPE.test(part));
  if (isBroken || startsWithColon || CONTROL_CHARACTER.test(authority + path + query) || !isAuthority(authority)) {
    return undefined;
  }
  const isOpaque = scheme !== '' && authority === '' && !path.startsWith('/');
  return `${scheme.toLowerCase()}${authority}${isOpaque ? path : escapePath(path)}${query}#${jobId}`;
}

function splitUrl(url: string) {
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = PARTS.exec(url) ?? [];
  return { scheme, authority, path, query, fragment };
}

/** Host and port as far as a typing error can break them. */
function isAuthority(authority: string): boolean {
  const host = authority.replace(/^\/\//, '').replace(/^.*@/s, '');
  return !/[\s<>"\\^`{|}]/.test(host) && /^(?:\[[^\]]*\]|[^:[\]]*)(?::\d*)?$/.test(host);
}

function escapePath(path: string): string {
  if (PLAIN_PATH.test(path)) return path;
  return path.replace(/%[0-9A-Fa-f]{2}|[^]/gu, (part) =>
    part.length === 3 && part.startsWith('%') ? unescapeIfPlain(part) : escapeCharacter(part),
  );
}

function unescapeIfPlain(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return /[A-Za-z0-9\-_.~$&+,/:;=@]/.test(character) ? character : escape.toUpperCase();
}

function escapeCharacter(character: string): string {
  if (/[A-Za-z0-9\-_.~$&+,/:;=@]/.test(character)) return character;
  const escaped = encodeURIComponent(/\p{Surrogate}/u.test(character) ? '\ufffd' : character);
  // encodeURIComponent lets these through.
  return escaped.replace(/[!'()*]/g, (plain) => `%${plain.charCodeAt(0).toString(16).toUpperCase()}`);
}
