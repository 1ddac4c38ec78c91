import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { CallScope } from '../../../src/adapters/http/call-scope.js';

const LONG_MS = 60_000;
const late = () => new Error('late');

describe('CallScope', () => {
  it("stops with the caller's own reason, once, and tells late listeners at once", () => {
    const caller = new AbortController();
    const scope = new CallScope(caller.signal, LONG_MS, late);
    const calls: string[] = [];
    scope.onStop(() => calls.push('early'));
    scope.onStop(() => calls.push('taken away'))();
    expect(() => scope.throwIfStopped()).not.to.throw();
    const reason = new Error('enough');
    caller.abort(reason);
    scope.onStop(() => calls.push('late'));
    scope.end();
    expect(calls).to.deep.equal(['early', 'late']);
    expect(() => scope.throwIfStopped()).to.throw(reason);
  });

  it('is stopped from the start when the caller has given up already', () => {
    const scope = new CallScope(AbortSignal.abort(new Error('too late')), LONG_MS, late);
    scope.end();
    expect(() => scope.throwIfStopped()).to.throw('too late');
  });

  it('stops at its deadline', async () => {
    const scope = new CallScope(new AbortController().signal, 5, late);
    await new Promise<void>((resolve) => scope.onStop(resolve));
    scope.end();
    expect(() => scope.throwIfStopped()).to.throw('late');
  });

  it('knows no deadline once disarmed, and no caller once ended', async () => {
    const caller = new AbortController();
    const scope = new CallScope(caller.signal, 5, late);
    scope.disarm();
    await sleep(20);
    expect(() => scope.throwIfStopped()).not.to.throw();
    scope.end();
    caller.abort();
    expect(() => scope.throwIfStopped()).not.to.throw();
  });
});
