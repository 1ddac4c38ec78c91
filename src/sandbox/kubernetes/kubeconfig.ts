export interface KubeconfigOptions {
  readonly url: string;
  readonly token: string;
  readonly namespace: string;
  /**
   * Put the token into the server URL too. kubectl sends no bearer tokens over plain http, but it does send what the URL
   * carries; a client library that sends the bearer token can do without. @default true
   */
  readonly credentialsInUrl?: boolean | undefined;
}

/** A kubeconfig (YAML) with one context, for kubectl and client libraries. */
export function kubeconfigOf(options: KubeconfigOptions): string {
  const quoted = (text: string): string => JSON.stringify(text);
  const userInfo = options.credentialsInUrl === false ? '' : `token:${options.token}@`;
  // `insecure-skip-tls-verify` changes nothing over http, but some clients refuse plain http without it.
  return `apiVersion: v1
kind: Config
current-context: sandbox
clusters:
  - name: sandbox
    cluster:
      server: ${quoted(options.url.replace('://', `://${userInfo}`))}
      insecure-skip-tls-verify: true
users:
  - name: sandbox
    user:
      token: ${quoted(options.token)}
contexts:
  - name: sandbox
    context:
      cluster: sandbox
      user: sandbox
      namespace: ${quoted(options.namespace)}
`;
}
