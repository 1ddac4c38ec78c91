/**
 * Expands `$(NAME)` as Kubernetes does in env values, commands and arguments: a name that is not known stays as written,
 * `$$` stands for one dollar sign.
 */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string) => (match === '$$' ? '$' : (lookup(name) ?? match)));
}
