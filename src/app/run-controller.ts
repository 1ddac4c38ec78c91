import type { Writable } from 'node:stream';
import { loadKubeConnection, type KubeConnection } from '../adapters/kubernetes/kube-config.js';
import { systemClock } from '../adapters/system/clock.js';
import { createLogger } from '../adapters/system/logger.js';
import { Controller } from '../controller/controller.js';
import { backoffDelayMs } from '../core/backoff.js';
import type { ControllerConfig } from '../core/config/config.js';
import { EXIT, ExternalError, ToolkitError, type ExitStatus } from '../core/errors.js';
import { redactor } from '../core/redact.js';
import type { Cluster } from '../ports/cluster.js';
import type { Clock, Logger } from '../ports/runtime.js';
import { AGENT_TOKEN_KEY, composeCluster, composeJobSource, type Surroundings } from './compose.js';

export interface RunControllerOptions {
  readonly config: ControllerConfig;
  /** e.g. `v0.1.0`. */
  readonly version: string;
  /** Stops the controller cleanly. */
  readonly signal: AbortSignal;
  /** Which API server. @default found like kubectl and in-cluster programs do */
  readonly connection?: KubeConnection | undefined;
  /** Where log lines go. @default process.stderr */
  readonly logStream?: (Writable & { readonly isTTY?: boolean }) | undefined;
}

/**
 * Runs the controller until the signal aborts.
 * @returns 0 after a clean stop, 2 when something it was given is wrong, 3 when it could not run; the log says why
 */
export async function runController(options: RunControllerOptions): Promise<ExitStatus> {
  const { config, version, signal } = options;
  let redact = redactor([config.buildkiteToken]);
  const logger = createLogger({
    format: config.logFormat,
    level: config.debug ? 'debug' : config.logLevel,
    colour: !config.noColor && (options.logStream ?? process.stderr).isTTY === true,
    stream: options.logStream,
    redact: (text) => redact(text),
  });
  const surroundings: Surroundings = { config, version, clock: systemClock, logger, random: Math.random };
  try {
    const connection = options.connection ?? loadKubeConnection();
    logger.info('using the cluster', {
      server: connection.server,
      from: connection.source,
      namespace: config.namespace,
    });
    const { client, cluster } = composeCluster(surroundings, connection);
    try {
      const agentToken = await readAgentToken(cluster, surroundings, signal);
      redact = redactor([config.buildkiteToken, agentToken]);
      const source = composeJobSource(surroundings, agentToken);
      await new Controller({ ...surroundings, source, cluster }).run(signal);
    } finally {
      client.close();
    }
    return EXIT.ok;
  } catch (error) {
    if (signal.aborted) return EXIT.ok;
    logger.error('the controller cannot run', { error });
    return error instanceof ToolkitError ? error.exit : EXIT.unable;
  }
}

/** The API server may be away when the controller's node comes up: only an answer that no waiting changes is an error. */
async function readAgentToken(
  cluster: Cluster,
  { config, clock, logger, random }: { config: ControllerConfig; clock: Clock; logger: Logger; random: () => number },
  signal: AbortSignal,
): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      const token = await cluster.getSecretValue(config.agentTokenSecret, AGENT_TOKEN_KEY, signal);
      // A Secret made from a file often ends with a newline, which no header can carry.
      return token.trim();
    } catch (error) {
      if (!(error instanceof ExternalError) || !error.retryable) throw error;
      const delayMs = backoffDelayMs(attempt, { retryAfterMs: error.retryAfterMs, random: random() });
      logger.warn('the agent token cannot be read yet, trying again', { error, retryInMs: Math.round(delayMs) });
      await clock.sleep(delayMs, signal);
    }
  }
}
