import type { JobEvent, JobRecord } from '../../ports/cluster.js';

/**
 * Adds to a list the Jobs that were created while it was read. Its pages show the cluster as it was at the first one; without
 * this, newer Jobs would look as if they were gone until the watch that follows tells of them, and their slots would be given
 * away twice.
 */
export class LateCreations {
  /** Undefined while no list is under way: then the watch, from where the list ended, tells of every creation. */
  #records: Map<string, JobRecord> | undefined;

  /** A list begins, or begins anew. */
  listing(): void {
    this.#records = new Map();
  }

  /** The API server has answered that the Job exists. */
  created(record: JobRecord): void {
    this.#records?.set(record.uid, record);
  }

  /** The API server has answered that the Job is gone. */
  deleted({ uid }: Pick<JobRecord, 'uid'>): void {
    this.#records?.delete(uid);
  }

  /** The event, completed when it is a list. */
  complete(event: JobEvent): JobEvent {
    if (event.type !== 'synced' || this.#records === undefined) return event;
    const late = this.#records;
    this.#records = undefined;
    for (const { uid } of event.records) late.delete(uid);
    return { ...event, records: [...event.records, ...late.values()] };
  }
}
