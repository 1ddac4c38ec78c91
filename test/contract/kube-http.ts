import http from 'node:http';
import https from 'node:https';

/** Where a Kubernetes API listens and who is asking. */
export interface KubeTarget {
  readonly url: string;
  readonly ca?: string | undefined;
  /** Without a token the request is anonymous. */
  readonly token?: string | undefined;
}

export interface KubeRequest {
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** Sent as JSON, unless it is text already. */
  readonly body?: unknown;
  /** @default application/json */
  readonly contentType?: string;
}

export interface KubeAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The parsed JSON, else the text. Tests look into it freely. */
  readonly body: any;
  /** The texts of the `Warning` headers. */
  readonly warnings: readonly string[];
}

export interface WatchEvent {
  readonly type: string;
  readonly object: any;
}

/** An open watch. Events queue up until asked for. */
export interface Watch {
  readonly status: number;
  /** The next event; undefined when the server ended the watch. Rejects when nothing comes for 20 seconds. */
  next(): Promise<WatchEvent | undefined>;
  /** The next events of any number of types until `isLast` says stop (inclusive) or the watch ends. */
  until(isLast: (event: WatchEvent) => boolean): Promise<WatchEvent[]>;
  close(): void;
}

/** A bare HTTP client for a Kubernetes API: no retries, no cleverness, so that tests see what is on the wire. */
export interface KubeHttp {
  request(method: string, path: string, options?: KubeRequest): Promise<KubeAnswer>;
  /** As `request`, but throws with the answer's text when the status is another. */
  expect(status: number, method: string, path: string, options?: KubeRequest): Promise<KubeAnswer>;
  /** Adds `watch=true`. An answer that is no stream (e.g. 410) arrives as its status and one event of type `HTTP`. */
  watch(path: string, query?: KubeRequest['query']): Promise<Watch>;
  /** The same server seen by somebody else; undefined for an anonymous caller. */
  as(token: string | undefined): KubeHttp;
  /** Ends idle connections and open watches. */
  close(): void;
}

/** @param maxConnections how many requests may be under way at once; watches come on top. */
export function kubeHttp(target: KubeTarget, maxConnections = 16): KubeHttp {
  const secure = target.url.startsWith('https:');
  const agentOptions = { keepAlive: true, maxSockets: maxConnections };
  const agent = secure ? new https.Agent({ ...agentOptions, ca: target.ca }) : new http.Agent(agentOptions);
  const watchAgent = secure ? new https.Agent({ ca: target.ca }) : new http.Agent();
  const others: KubeHttp[] = [];

  function send(method: string, path: string, options: KubeRequest, via: http.Agent): Promise<http.IncomingMessage> {
    const url = new URL(path, target.url);
    for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.set(name, String(value));
    const text = encodeBody(options.body);
    const headers: http.OutgoingHttpHeaders = { accept: 'application/json' };
    if (target.token !== undefined) headers['authorization'] = `Bearer ${target.token}`;
    if (text !== undefined) {
      headers['content-type'] = options.contentType ?? 'application/json';
      headers['content-length'] = Buffer.byteLength(text);
    }
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(url, { method, headers, agent: via }, resolve);
      request.once('error', reject);
      request.end(text);
    });
  }

  const client: KubeHttp = {
    request: async (method, path, options = {}) => {
      const response = await send(method, path, options, agent);
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: parseBody(await readText(response)),
        warnings: warningTexts(response.headersDistinct['warning'] ?? []),
      };
    },
    expect: async (status, method, path, options = {}) => {
      const answer = await client.request(method, path, options);
      if (answer.status === status) return answer;
      throw new Error(`${method} ${path}: expected ${status}, got ${answer.status} ${JSON.stringify(answer.body)}`);
    },
    watch: async (path, query = {}) =>
      openWatch(await send('GET', path, { query: { ...query, watch: true } }, watchAgent)),
    as: (token) => {
      const other = kubeHttp({ ...target, token }, maxConnections);
      others.push(other);
      return other;
    },
    close: () => {
      agent.destroy();
      watchAgent.destroy();
      for (const other of others) other.close();
    },
  };
  return client;
}

function encodeBody(body: unknown): string | undefined {
  if (body === undefined) return undefined;
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function readText(response: http.IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

/** `299 - "the text"`, several of them comma-separated in one header or in headers of their own. */
function warningTexts(headers: readonly string[]): string[] {
  const found = headers.flatMap((header) => [...header.matchAll(/299 \S+ ("(?:[^"\\]|\\.)*")/g)]);
  return found.map((match) => String(JSON.parse(match[1] ?? '""')));
}

const PATIENCE_MS = 20_000;

function openWatch(response: http.IncomingMessage): Watch {
  const queue: WatchEvent[] = [];
  let ended = false;
  let wake: () => void = () => undefined;
  let buffered = '';
  const take = (line: string): void => {
    if (line.trim() === '') return;
    const parsed = JSON.parse(line) as WatchEvent;
    queue.push(response.statusCode === 200 ? parsed : { type: 'HTTP', object: parsed });
  };
  const end = (): void => {
    if (ended) return;
    ended = true;
    take(buffered);
    wake();
  };
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const lines = (buffered + chunk).split('\n');
    buffered = lines.pop() ?? '';
    for (const line of lines) take(line);
    wake();
  });
  response.once('end', end);
  response.once('close', end);
  response.once('error', () => undefined);

  const watch: Watch = {
    status: response.statusCode ?? 0,
    next: async () => {
      const deadline = Date.now() + PATIENCE_MS;
      while (queue.length === 0 && !ended) {
        const left = deadline - Date.now();
        if (left <= 0) throw new Error(`no watch event within ${PATIENCE_MS} ms`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return queue.shift();
    },
    until: async (isLast) => {
      const seen: WatchEvent[] = [];
      for (;;) {
        const event = await watch.next();
        if (event !== undefined) seen.push(event);
        if (event === undefined || isLast(event)) return seen;
      }
    },
    close: () => response.destroy(),
  };
  return watch;
}
