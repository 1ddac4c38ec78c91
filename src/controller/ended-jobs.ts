import type { ScheduledJob } from '../core/job/job.js';
import type { JobLedger } from '../core/job/ledger.js';
import type { JobSource } from '../ports/buildkite.js';
import type { Cluster, JobRecord } from '../ports/cluster.js';
import type { Logger } from '../ports/runtime.js';

export interface EndedJobsOptions {
  readonly source: JobSource;
  readonly cluster: Cluster;
  readonly ledger: JobLedger;
  readonly logger: Logger;
}

/**
 * Clears up jobs which Buildkite lists as waiting although their Job has ended here: no agent ever took them. A failed Job fails
 * the Buildkite job with Kubernetes' reason; a Job that ended well is deleted, so that the next poll makes a new one.
 */
export class EndedJobs {
  readonly #options: EndedJobsOptions;

  constructor(options: EndedJobsOptions) {
    this.#options = options;
  }

  async settle(jobs: readonly ScheduledJob[], signal: AbortSignal): Promise<void> {
    // The listing may be older than the end of the Job: only what Buildkite says now counts.
    const states = await this.#options.source.getJobStates(
      jobs.map((job) => job.id),
      signal,
    );
    for (const { id } of jobs) {
      const entry = this.#options.ledger.entry(id);
      const waits = states.get(id) === 'scheduled' || states.get(id) === 'reserved';
      if (waits && entry?.phase === 'ended') await this.#settleOne(entry.record, signal);
    }
  }

  async #settleOne(record: JobRecord, signal: AbortSignal): Promise<void> {
    const { source, cluster, ledger, logger } = this.#options;
    const log = logger.child({ jobId: record.jobId, job: record.name });
    if (record.ended?.result === 'failed') {
      const cause = [record.ended.reason, record.ended.message]
        .filter((part) => part !== undefined && part !== '')
        .join(': ');
      log.info('the Kubernetes Job failed before an agent took the Buildkite job, failing it', { cause });
      await source.failJob(
        record.jobId,
        `The Kubernetes Job "${record.name}" failed before its agent acquired this Buildkite job (${cause || 'Kubernetes gives no reason'}).`,
        signal,
      );
      ledger.refuse(record.jobId);
      return;
    }
    log.info('the Kubernetes Job ended without an agent taking the Buildkite job, making a new one');
    if (await cluster.deleteJob(record, signal)) ledger.observe({ type: 'deleted', record });
  }
}
