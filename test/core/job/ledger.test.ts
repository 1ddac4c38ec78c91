import { expect } from 'chai';
import fc from 'fast-check';
import type { JobRecord } from '../../../src/core/job/job-record.js';
import { JobLedger } from '../../../src/core/job/ledger.js';

const record = (jobId: string, options: { uid?: string; ended?: boolean } = {}): JobRecord => ({
  jobId,
  name: `buildkite-${jobId}`,
  uid: options.uid ?? 'uid-1',
  createdAt: 0,
  ...(options.ended === true ? { ended: { result: 'complete' } } : {}),
});

describe('JobLedger', () => {
  it('counts claimed and running jobs, not ended ones', () => {
    const ledger = new JobLedger();
    ledger.claim('claimed');

    ledger.observe({ type: 'synced', records: [record('running'), record('ended', { ended: true })] });

    expect(ledger.slotsInUse).to.equal(2);
  });

  it('claims a job once', () => {
    const ledger = new JobLedger();

    const claims = [ledger.claim('job'), ledger.claim('job')];

    expect(claims).to.deep.equal([true, false]);
  });

  it('keeps claims and drops vanished Jobs when the whole set is listed anew', () => {
    const ledger = new JobLedger();
    ledger.claim('claimed');
    ledger.observe({ type: 'upserted', record: record('gone') });

    ledger.observe({ type: 'synced', records: [] });

    expect([ledger.entry('claimed')?.phase, ledger.entry('gone')]).to.deep.equal(['claimed', undefined]);
  });

  it('ignores the deletion of an older Job of the same name', () => {
    const ledger = new JobLedger();
    ledger.observe({ type: 'upserted', record: record('job', { uid: 'new' }) });

    ledger.observe({ type: 'deleted', record: record('job', { uid: 'old' }) });

    expect(ledger.entry('job')?.phase).to.equal('active');
  });

  it('forgets refused jobs only once Buildkite lists them no more', () => {
    const ledger = new JobLedger();
    ledger.refuse('job');

    ledger.settle(new Set(['job']));
    const whileListed = ledger.entry('job')?.phase;
    ledger.settle(new Set());

    expect([whileListed, ledger.entry('job')]).to.deep.equal(['refused', undefined]);
  });

  it('never lets the slot count drift from the entries, whatever happens in whatever order', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd');
    const aRecord = fc.record({ id, uid: fc.constantFrom('1', '2'), ended: fc.boolean() });
    const operation = fc.oneof(
      id.map((jobId) => (ledger: JobLedger) => void ledger.claim(jobId)),
      id.map((jobId) => (ledger: JobLedger) => ledger.release(jobId)),
      id.map((jobId) => (ledger: JobLedger) => ledger.refuse(jobId)),
      fc.uniqueArray(id).map((listed) => (ledger: JobLedger) => ledger.settle(new Set(listed))),
      aRecord.map((r) => (ledger: JobLedger) => ledger.observe({ type: 'upserted', record: record(r.id, r) })),
      aRecord.map((r) => (ledger: JobLedger) => ledger.observe({ type: 'deleted', record: record(r.id, r) })),
      fc
        .array(aRecord)
        .map(
          (rs) => (ledger: JobLedger) => ledger.observe({ type: 'synced', records: rs.map((r) => record(r.id, r)) }),
        ),
    );

    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const ledger = new JobLedger();
        for (const operate of operations) operate(ledger);
        const phases = ['a', 'b', 'c', 'd'].map((jobId) => ledger.entry(jobId)?.phase);
        expect(ledger.slotsInUse).to.equal(phases.filter((phase) => phase === 'claimed' || phase === 'active').length);
      }),
    );
  });
});
