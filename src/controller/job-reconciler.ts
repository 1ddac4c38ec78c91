import type { ControllerConfig, V1PodSpec } from '../core/config/config.js';
import type { BuildkiteJob, JobFailure, JobWarning, RunnableJob, ScheduledJob } from '../core/job/job.js';
import type { JobLedger } from '../core/job/ledger.js';
import { buildJob, podTemplateName, type BuiltJob } from '../core/manifest/build-job.js';
import { rejectionText } from '../core/manifest/rejection-text.js';
import type { Result } from '../core/result.js';
import type { JobSource } from '../ports/buildkite.js';
import type { Cluster, CreateOutcome } from '../ports/cluster.js';
import type { Logger } from '../ports/runtime.js';
import type { Notifier } from './notifier.js';

export interface JobReconcilerOptions {
  readonly source: JobSource;
  readonly cluster: Cluster;
  readonly ledger: JobLedger;
  readonly config: ControllerConfig;
  readonly version: string;
  readonly notifier: Notifier;
  readonly logger: Logger;
}

/**
 * Brings the cluster to what one job needs: its Job exists, or the job has failed at Buildkite with the reason. Idempotent, because
 * the name of the Job is the lock. Throws `ExternalError` when Buildkite or Kubernetes cannot answer: try again later.
 */
export class JobReconciler {
  readonly #options: JobReconcilerOptions;

  constructor(options: JobReconcilerOptions) {
    this.#options = options;
  }

  async reconcile(scheduled: ScheduledJob, signal: AbortSignal): Promise<void> {
    const { source, ledger, logger } = this.#options;
    const log = logger.child({ jobId: scheduled.id });
    const fetched = await source.getJob(scheduled.id, signal);
    if (fetched === undefined) {
      log.info('job is no longer waiting, nothing to create');
      ledger.release(scheduled.id);
      return;
    }
    const job = { ...fetched, agentQueryRules: scheduled.agentQueryRules, priority: scheduled.priority };
    const built = await this.#build(job, signal);
    if (built.ok) {
      this.#reportWarnings(job, built.value.warnings, log);
      await this.#create(built.value, job, { log, signal });
    } else {
      await this.#failJob(job, built.error, { log, signal });
    }
  }

  async #build(job: BuildkiteJob, signal: AbortSignal): Promise<Result<BuiltJob, JobFailure>> {
    const { cluster, config, version } = this.#options;
    const built = buildJob({ job, config, version });
    // Few jobs use a PodTemplate: only those are parsed twice, the first time for its name.
    if (built.ok || built.error.reason !== 'pod-template-missing') return built;
    const spec = await cluster.getPodTemplateSpec(podTemplateName({ job, config }) ?? '', signal);
    // The API server has validated the PodTemplate, so its spec has the shape of a PodSpec.
    return buildJob({ job, config, version, podTemplateSpec: spec as V1PodSpec | undefined });
  }

  async #create(
    built: BuiltJob,
    job: RunnableJob,
    { log, signal }: { log: Logger; signal: AbortSignal },
  ): Promise<void> {
    const { cluster, ledger, notifier } = this.#options;
    const created: CreateOutcome = await cluster.createJob(built.manifest, signal);
    const name = built.manifest.metadata?.name ?? '';
    switch (created.outcome) {
      case 'created':
        ledger.created(created.record);
        log.info('created the Kubernetes Job', { job: name });
        for (const warning of created.warnings) log.warn('Kubernetes warns about the Job', { job: name, warning });
        notifier.add(job.id, 'Kubernetes Job created, waiting for its agent to start');
        return;
      case 'exists':
        if (created.record !== undefined) {
          log.info('adopted the Kubernetes Job that exists already', { job: name });
          ledger.created(created.record);
          return;
        }
        await this.#failJob(job, foreignJob(name), { log, signal });
        return;
      case 'rejected':
        await this.#failJob(
          job,
          { reason: 'rejected-by-kubernetes', text: rejectionText(created.message, built.manifest) },
          { log, signal },
        );
        return;
    }
  }

  #reportWarnings(job: BuildkiteJob, warnings: readonly JobWarning[], log: Logger): void {
    for (const { code, text } of warnings) {
      log.info('the job is built, with a warning for its owner', { code, warning: text });
      this.#options.notifier.add(job.id, `Warning: ${text}`);
    }
  }

  async #failJob(
    job: RunnableJob,
    failure: JobFailure,
    { log, signal }: { log: Logger; signal: AbortSignal },
  ): Promise<void> {
    const { source, ledger } = this.#options;
    log.info('the job cannot run, failing it at Buildkite', { reason: failure.reason, failure: failure.text });
    await source.failJob(job.id, failure.text, signal);
    ledger.refuse(job.id);
  }
}

function foreignJob(name: string): JobFailure {
  return {
    reason: 'rejected-by-kubernetes',
    text: `a Kubernetes Job called "${name}" exists and does not belong to this controller: delete it, or give this controller another job-prefix or id, and retry the job`,
  };
}
