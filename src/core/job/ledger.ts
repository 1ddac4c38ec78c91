import type { JobEvent, JobRecord } from './job-record.js';

export type LedgerEntry =
  /** Ours to create: reserved or being built. Holds a slot. */
  | { readonly phase: 'claimed' }
  /** Its Job exists and has not ended. Holds a slot. */
  | { readonly phase: 'active'; readonly record: JobRecord }
  /** Its Job has ended and is kept until its time to live is over. */
  | { readonly phase: 'ended'; readonly record: JobRecord }
  /** Reported to Buildkite as failed without a Job; kept until Buildkite lists it no more. */
  | { readonly phase: 'refused' };

/**
 * The one account of jobs: "is it known?" and "how many slots are in use?" are two questions to the same entries. What it
 * says of Jobs comes from the cluster alone, so that a restart rebuilds it and nothing drifts.
 */
export class JobLedger {
  readonly #entries = new Map<string, LedgerEntry>();
  #slotsInUse = 0;

  /** Jobs that count against `max-in-flight`. */
  get slotsInUse(): number {
    return this.#slotsInUse;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is known of a job. */
  entry(jobId: string): LedgerEntry | undefined {
    return this.#entries.get(jobId);
  }

  /** Claims an unknown job; false when it is known already. */
  claim(jobId: string): boolean {
    if (this.#entries.has(jobId)) return false;
    this.#set(jobId, { phase: 'claimed' });
    return true;
  }

  /**
   * Turns a claim into the Job that was created or adopted for it. News from the watch may have overtaken the answer: then the
   * claim is gone already, and what the watch said stands.
   */
  created(record: JobRecord): void {
    if (this.#entries.get(record.jobId)?.phase === 'claimed') this.#upsert(record);
  }

  /** Gives up a claim; anything further along stays. */
  release(jobId: string): void {
    if (this.#entries.get(jobId)?.phase === 'claimed') this.#set(jobId, undefined);
  }

  /** Marks a job as failed at Buildkite without a Job. */
  refuse(jobId: string): void {
    this.#set(jobId, { phase: 'refused' });
  }

  /** Forgets refused jobs which Buildkite no longer lists. */
  settle(listed: ReadonlySet<string>): void {
    for (const [jobId, entry] of this.#entries) {
      if (entry.phase === 'refused' && !listed.has(jobId)) this.#entries.delete(jobId);
    }
  }

  /** Takes over what the cluster says. */
  observe(event: JobEvent): void {
    switch (event.type) {
      case 'upserted':
        this.#upsert(event.record);
        return;
      case 'deleted':
        this.#delete(event.record);
        return;
      case 'synced':
        this.#replace(event.records);
        return;
    }
  }

  #upsert(record: JobRecord): void {
    this.#set(record.jobId, { phase: record.ended === undefined ? 'active' : 'ended', record });
  }

  #delete(record: JobRecord): void {
    const entry = this.#entries.get(record.jobId);
    // Another UID means a newer Job of the same name: the news of the old one's end says nothing about it.
    if (entry !== undefined && 'record' in entry && entry.record.uid === record.uid) this.#set(record.jobId, undefined);
  }

  #replace(records: readonly JobRecord[]): void {
    const present = new Set(records.map((record) => record.jobId));
    for (const [jobId, entry] of [...this.#entries]) {
      if ('record' in entry && !present.has(jobId)) this.#set(jobId, undefined);
    }
    for (const record of records) this.#upsert(record);
  }

  #set(jobId: string, next: LedgerEntry | undefined): void {
    this.#slotsInUse += Number(holdsSlot(next)) - Number(holdsSlot(this.#entries.get(jobId)));
    if (next === undefined) this.#entries.delete(jobId);
    else this.#entries.set(jobId, next);
  }
}

function holdsSlot(entry: LedgerEntry | undefined): boolean {
  return entry?.phase === 'claimed' || entry?.phase === 'active';
}
