/** Paths, URLs, `C:\\…` and scp-like addresses (a colon before the first slash): their authors mean what they wrote. */
const AS_WRITTEN = /^$|^[./\\]|^[^/#]*:/;

/**
 * The full source of a plugin, as Buildkite sends it in `BUILDKITE_PLUGINS`: `docker#v5` is
 * `github.com/buildkite-plugins/docker-buildkite-plugin#v5`, `org/name#v1` is `github.com/org/name-buildkite-plugin#v1`; everything with more
 * slashes stays as written.
 */
export function pluginSource(name: string): string {
  if (AS_WRITTEN.test(name)) return name;
  const [, path = '', version = ''] = /^([^#]*)(#.*)?$/s.exec(name) ?? [];
  const segments = path.split('/');
  if (segments.length > 2) return name;
  const owner = segments.length === 1 ? 'buildkite-plugins/' : '';
  return `github.com/${owner}${path}-buildkite-plugin${version === '#' ? '' : version}`;
}
